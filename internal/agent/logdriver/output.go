package logdriver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// output is one container's log: the file, and what is known of its shipping.
type output struct {
	dir  string
	log  *slog.Logger
	keep int64 // bytes that the file keeps at least
	big  chan struct{}

	dest     destination // nil = the file is all
	blocking bool
	maxLag   int64 // bytes, of a log that does not block

	wake chan struct{} // the file has grown, or is complete
	room chan struct{} // more is acknowledged

	mu      sync.Mutex
	rec     record
	clock   clock
	acked   int64 // offset up to which the destination has taken the log
	fifo    *os.File
	queued  bool // Run has it or will have it
	dropped int64
}

// destination takes the lines of one container. Its methods are called by one
// goroutine, except prepare, which is called before.
type destination interface {
	// limits of one send.
	limits() limits
	// prepare contacts the destination for a new container and fails in Docker's
	// words if it refuses.
	prepare(ctx context.Context) error
	// send hands lines over, in order, and tells how many of them, from the
	// first on, are taken for good, be it that they were refused for good. If
	// these are not all and there is no error, it waits for more lines to know
	// where an event ends; with final it does not.
	send(ctx context.Context, lines []line, final bool) (taken int, err error)
	close() error
}

type limits struct {
	line     int           // bytes; longer lines are handed over in pieces
	interval time.Duration // how long lines may wait to be sent together
}

func (d *Drivers) newOutput(rec record) (*output, error) {
	o := &output{
		dir: d.cfg.Dir, log: d.cfg.Log.With("container", rec.ID, "driver", rec.Driver), big: d.big,
		rec: rec, wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		blocking: rec.Options["mode"] == "blocking",
	}
	o.clock.path = o.state(".times")
	var err error
	if o.dest, err = d.destination(rec, o.log); err != nil {
		return nil, err
	}
	if o.maxLag, err = maxLag(rec.Options); err != nil {
		return nil, err
	}
	if o.keep, err = size(rec.Options, d.cfg.MaxBytes); err != nil {
		return nil, err
	}
	if o.dest != nil {
		o.keep = max(o.keep, o.maxLag+block, maxAhead+block)
	}
	return o, nil
}

func (d *Drivers) destination(rec record, log *slog.Logger) (destination, error) {
	switch rec.Driver {
	case "json-file", "local":
		return nil, nil
	case "awslogs":
		return newAWSLogs(rec, d.cfg.Logs, log)
	}
	return newDocker(rec, log)
}

func (o *output) logPath() string { return filepath.Join(o.dir, o.rec.ID+".log") }

// target is what the shim writes to.
func (o *output) target() string {
	if o.dest != nil && o.blocking {
		return o.state(".fifo")
	}
	return o.logPath()
}

// begin makes the log of a container, or goes on with one whose record could not
// be taken up.
func (o *output) begin(ctx context.Context) error {
	if _, err := os.Stat(o.state(".acked")); err == nil {
		return errors.Join(o.resume(), o.create())
	}
	if o.dest != nil {
		if err := o.dest.prepare(ctx); err != nil {
			return fmt.Errorf("failed to initialize logging driver: %w", err)
		}
	}
	if err := o.create(); err != nil {
		return errors.Join(err, o.abandon(), o.delete())
	}
	return nil
}

// abandon lets go of what a shipper would use.
func (o *output) abandon() error {
	if o.dest == nil {
		return nil
	}
	return errors.Join(o.dest.close(), o.closeFIFO())
}

// create makes the files of a new log.
func (o *output) create() error {
	file, err := os.OpenFile(o.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	if err := o.openFIFO(); err != nil {
		return err
	}
	return o.save(o.rec)
}

// openFIFO holds both ends of the FIFO of a log that blocks, so that the shim
// can open it at any time and what is in it outlives the shim.
func (o *output) openFIFO() error {
	if o.dest == nil || !o.blocking || o.fifo != nil {
		return nil
	}
	path := o.state(".fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("create log FIFO: %w", err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open log FIFO: %w", err)
	}
	o.fifo = fifo
	return nil
}

// resume takes the state of an earlier run from disk.
func (o *output) resume() error {
	if o.dest == nil {
		return nil
	}
	acked, err := readAcked(o.state(".acked"))
	if err != nil {
		return err
	}
	o.acked = acked
	if err := o.clock.load(); err != nil {
		return err
	}
	st, err := os.Stat(o.logPath())
	if err != nil {
		return fmt.Errorf("look at log: %w", err)
	}
	o.clock.note(st.Size(), st.ModTime())
	return o.openFIFO()
}

// reopen goes on with a log whose container starts again, or runs on.
func (d *Drivers) reopen(o *output) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.rec.Closed {
		o.rec.Closed = false
		if err := o.create(); err != nil {
			return "", err
		}
	}
	if !o.queued {
		d.mu.Lock()
		d.enqueue(o)
		d.mu.Unlock()
	}
	return o.target(), nil
}

func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rec.Closed = true
	o.nudge()
	if o.dest == nil {
		return errors.Join(cut(o.logPath(), o.keep), o.save(o.rec))
	}
	return o.save(o.rec)
}

// remove deletes the log, or has its shipper do that if it owes something.
func (o *output) remove() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rec.Closed, o.rec.Removed = true, true
	if o.dest == nil || !o.queued {
		return errors.Join(o.closeFIFO(), o.delete())
	}
	o.nudge()
	return o.save(o.rec)
}

func (o *output) closeFIFO() error {
	if o.fifo == nil {
		return nil
	}
	err := o.fifo.Close()
	o.fifo = nil
	return err
}

// nudge wakes the shipper.
func (o *output) nudge() { signal(o.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
