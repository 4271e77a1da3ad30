// Package up is `slipway up`: everything on one machine, in the foreground.
//
// It owns the order in which the parts start and end: the data directory's lock,
// containerd (the machine's, or one of its own where the machine runs none), the
// control plane, the VPC, and the container instances. It promises that Run, when
// its context ends, has ended what it started and left the machine as it found
// it, with the state in the data directory; and that after a kill -9 the next Run
// on the same directory takes over what the killed one left running.
package up
