// Package hostile attacks a whole control plane through its socket: every served
// operation with inputs made from its shape, two accounts that must not see each
// other, many callers at once, and HTTP that no SDK would send.
//
// Its tests run the real server in this process, on an embedded store in a
// temporary directory and a loopback port; they need neither root nor
// containers. What they hold is in answer_test.go (what an answer may be) and
// invariant_test.go (what the records must agree on).
package hostile
