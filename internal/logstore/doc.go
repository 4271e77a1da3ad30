// Package logstore keeps log events on disk, in Pebble.
//
// It knows numbers for groups and streams and nothing of their names, owners or
// rules: those are the logs room's. An event belongs to one stream of one group
// and has a position, its time and then the order of arrival.
//
// # Guarantees
//
//   - Append returns nil only when its events are on disk; concurrent calls share
//     one flush. An event is there as a whole or not at all, and so is a call's
//     set of them.
//   - Reads are in the order of positions and see what was there when they began.
//   - Memory does not grow with what is stored: a fixed block cache, small
//     memtables, and iterators that hold one event at a time.
//   - Whole groups and what is older than a time are deleted by range, in a time
//     that does not depend on how much it is.
//
// # What it refuses
//
// Events while the disk is nearly full ([ErrNoSpace]), because Pebble does not
// survive a disk that is, and a directory that another process uses.
//
// # Layout
//
// All numbers are big-endian, so that keys sort as positions do.
//
//	e group time sequence          → stream, time of ingestion, message
//	s group stream time sequence   → nothing: the stream's view of e
//	l group stream                 → times of the stream's last event and of its last ingestion
//	m                              → up to which sequence numbers are given out
//
// A group's events lie together by time, whatever their stream, so reading a
// whole group is one sequential scan; a stream's own index leads to its events.
package logstore
