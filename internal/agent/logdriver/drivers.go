package logdriver

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Container is whose output it is.
type Container struct {
	ID            string // names the files; at least 12 characters
	Name          string // as Docker would call it
	TaskARN       string
	ContainerName string // in the task definition
	Image         string // as the task definition says
	ImageID       string // its digest
	Command       []string
	Env           []string
	Labels        map[string]string
	CreatedAt     time.Time
}

// Config of Drivers.
type Config struct {
	Dir string // holds one file per container, and the shippers' state
	// MaxBytes of one log that are kept at least, unless its options say
	// otherwise; 0 = DefaultMaxBytes.
	MaxBytes int64
	Log      *slog.Logger // nil = silent
	// Logs gives the caller of CloudWatch Logs for a region and for the
	// credentials with an id; "" are the instance's own.
	Logs func(region, credentialsID string) Call
}

// Call does one awsJson operation of a service, such as "PutLogEvents". CodeOf
// must find AWS's code in its errors. It is safe for concurrent use.
type Call func(ctx context.Context, operation string, in, out any) error

// DefaultMaxBytes bounds a log whose definition sets no size.
const DefaultMaxBytes = 64 << 20

// Drivers keep and ship the output of an instance's containers. Its methods are
// safe for concurrent use.
type Drivers struct {
	cfg Config
	big chan struct{} // a token per shipper that may hold a large batch

	mu      sync.Mutex
	outputs map[string]*output // by container id
	pending []*output          // shippers that Run has yet to start

	changed chan struct{} // pending has grown
}

// New makes the directory and takes up the logs of an earlier run that are not
// wholly shipped. Run must be running for anything to be shipped or cut.
func New(cfg Config) (*Drivers, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Drivers{cfg: cfg, big: make(chan struct{}, bigBatches), outputs: map[string]*output{}, changed: make(chan struct{}, 1)}
	if err := os.MkdirAll(d.stateDir(), 0o700); err != nil {
		return nil, fmt.Errorf("create log directory: %w", err)
	}
	if err := d.takeUp(); err != nil {
		return nil, err
	}
	return d, nil
}

// Names are the drivers as ECS_AVAILABLE_LOGGING_DRIVERS lists them: journald
// only where a journal listens.
func (d *Drivers) Names() []string {
	names := []string{"json-file", "awslogs", "syslog"}
	if journalListens() {
		names = append(names, "journald")
	}
	return append(names, "gelf", "fluentd", "splunk", "awsfirelens", "none")
}

// Open prepares for a container's output and gives the path of the file or FIFO
// that containerd's shim writes to; "" means that the output is dropped. An
// error is Docker's, with its prefix "failed to initialize logging driver" if
// the destination refused. For a container that is known, also from before a
// restart, it goes on with the same log and contacts nobody.
func (d *Drivers) Open(ctx context.Context, c Container, driver string, options map[string]string) (string, error) {
	if driver == "none" {
		return "", nil
	}
	if err := checkID(c.ID); err != nil {
		return "", err
	}
	if o := d.output(c.ID); o != nil {
		return d.reopen(o)
	}
	rec, err := newRecord(c, driver, options)
	if err != nil {
		return "", err
	}
	o, err := d.newOutput(rec)
	if err != nil {
		return "", err
	}
	if err := o.begin(ctx); err != nil {
		return "", err
	}
	if !d.add(o) {
		err = o.abandon()
	}
	return o.target(), err
}

// Close tells that the container has ended and its output is complete. The rest
// is shipped in the background; the log can still be read.
func (d *Drivers) Close(containerID string) error {
	o := d.output(containerID)
	if o == nil {
		return nil
	}
	return o.close()
}

// Remove deletes the log. One that is not wholly shipped stays, hidden, until it
// is, or for removeGrace.
func (d *Drivers) Remove(containerID string) error {
	if err := checkID(containerID); err != nil {
		return err
	}
	d.mu.Lock()
	o := d.outputs[containerID]
	delete(d.outputs, containerID)
	d.mu.Unlock()
	if o == nil {
		return (&output{dir: d.cfg.Dir, rec: record{Container: Container{ID: containerID}}}).delete()
	}
	return o.remove()
}

// Path is the file of a container's log.
func (d *Drivers) Path(containerID string) string {
	return filepath.Join(d.cfg.Dir, containerID+".log")
}

func (d *Drivers) stateDir() string { return filepath.Join(d.cfg.Dir, stateDir) }

func (d *Drivers) output(id string) *output {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.outputs[id]
}

// add makes an output known and has its shipper started; false if another Open
// of the container came first, whose files are the same.
func (d *Drivers) add(o *output) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.outputs[o.rec.ID]; ok {
		return false
	}
	d.outputs[o.rec.ID] = o
	d.enqueue(o)
	return true
}

func checkID(id string) error {
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return fmt.Errorf("container id %q cannot name a log", id)
	}
	return nil
}
