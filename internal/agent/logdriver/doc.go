// Package logdriver decides where the output of containers goes, keeps a copy
// of it within bounds, ships it, and reads it back.
//
// It owns the log files. Whatever the driver, except none, the output of a
// container first becomes a local file, from which `slipway logs` reads, and a
// shipper sends the file's lines on from an offset that it stores only when the
// destination has taken them. So it promises:
//
//   - Neither a restart of the agent nor of containerd loses a line. What was
//     not acknowledged is sent again after a crash: at least once, in order.
//   - A container cannot fill the disk: of each log the newest part stays, and
//     older output is cut off at the front by giving its blocks back (a hole in
//     the file). A file's apparent size therefore grows without end while its
//     disk usage does not; `du` tells the truth, `ls` does not.
//   - mode=non-blocking, which is also what no mode means: the container never
//     waits. containerd's shim appends to the file itself, and a shipper that is
//     behind by more than max-buffer-size drops the oldest lines and says so.
//   - mode=blocking: the shim writes into a FIFO, which the agent moves into the
//     file no further than a bound ahead of what is acknowledged. A destination
//     that takes nothing stalls the container; nothing is dropped. What stands
//     in the FIFO (64 KiB) is lost only if the container ends while no agent
//     runs.
//   - A line's time is when the agent saw the line's end arrive, to within some
//     hundredths of a second. Lines that arrived while no agent ran carry the
//     time at which the last of them was written; lines that are sent again
//     after a restart carry their first time to within a second.
//
// Both streams share the file in the order in which they were written, so every
// line counts as standard output for drivers that tell the two apart.
//
// The package refuses a driver that it does not know, and options as Docker's
// daemon refuses them, in its words. It knows no AWS credentials and no HTTP:
// who calls CloudWatch Logs is given to it.
package logdriver
