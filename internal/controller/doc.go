// Package controller runs the control plane's controllers: one process each, in a
// package of its own, on the runtime of package loop.
//
//	servicetasks    keeps services at their desired count and rolls out revisions,
//	                as package rollout decides
//	instancehealth  notices agents whose server has died
//	expiry          forgets what is over
//
// Controllers share nothing but the store, and are called by nobody: they watch.
// One server among those that share a store runs them at a time; what they write is
// guarded by the records that it rests on, so that a leader that does not know yet
// that it was replaced can do no harm.
package controller
