// Package server is the control plane: it opens the store, puts the rooms of the
// AWS services into it, serves them all on one endpoint, and runs the
// controllers.
//
// It owns the wiring and the order of starting and stopping, and no behaviour:
// what an operation does is in its room, what a controller decides in its
// package. It promises that a Server that was closed has left no listener, no lock
// and no goroutine behind (but for one of the registry's engine, asleep, which
// cannot be ended), and that what it acknowledged is in the store.
package server
