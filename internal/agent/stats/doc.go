// Package stats measures what the containers of an instance use.
//
// It owns the samples: one a second of every running container, the last two in
// the shape of the Docker Engine API for those who ask, and sums over a round
// for the telemetry socket. It promises that one goroutine does all of it, that
// it never takes more than a hundredth of a core, that memory per container is
// constant, and that a restart in place does not set a counter back. What it
// cannot read it leaves out; it guesses nothing.
package stats
