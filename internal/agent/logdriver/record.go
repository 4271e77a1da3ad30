package logdriver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stateDir is the directory, within the logs', of what shippers remember:
//
//	ID.json   the record: whose output it is and where it goes
//	ID.acked  the offset up to which the destination has taken it
//	ID.times  when which offset arrived; see clock
//	ID.fifo   the FIFO of a blocking log
const stateDir = "state"

// record is what outlives a restart. It can hold secrets among its options, so
// its file is the owner's alone.
type record struct {
	Container
	Driver  string
	Options map[string]string
	Closed  bool // the output is complete
	Removed bool // to be deleted when it is shipped
}

// newRecord checks driver and options, and keeps of the environment only what
// the options can name: the rest may hold secrets.
func newRecord(c Container, driver string, options map[string]string) (record, error) {
	if driver == "" {
		driver = "json-file"
	}
	if err := validate(driver, options); err != nil {
		return record{}, err
	}
	if options["env"] == "" && options["env-regex"] == "" {
		c.Env = nil
	}
	return record{Container: c, Driver: driver, Options: options}, nil
}

func (o *output) state(suffix string) string {
	return filepath.Join(o.dir, stateDir, o.rec.ID+suffix)
}

// save writes the record so that a reader sees the old one or the new one.
func (o *output) save(rec record) error {
	text, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode log record: %w", err)
	}
	path := o.state(".json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write log record: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write log record: %w", err)
	}
	return nil
}

// takeUp goes on with the logs of an earlier run. A record that cannot be read
// or made sense of is left alone: its log is still there to be read.
func (d *Drivers) takeUp() error {
	paths, err := filepath.Glob(filepath.Join(d.stateDir(), "*.json"))
	if err != nil {
		return fmt.Errorf("list log records: %w", err)
	}
	for _, path := range paths {
		o, err := d.load(path)
		if err != nil {
			d.cfg.Log.Warn("log not taken up", "record", path, "error", err)
			continue
		}
		if o == nil {
			continue
		}
		if !o.rec.Removed {
			d.outputs[o.rec.ID] = o
		}
		d.enqueue(o)
	}
	return nil
}

// load gives nil for a log that is deleted.
func (d *Drivers) load(path string) (*output, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rec record
	if err := json.Unmarshal(text, &rec); err != nil {
		return nil, err
	}
	if rec.ID+".json" != filepath.Base(path) {
		return nil, fmt.Errorf("it is of container %q", rec.ID)
	}
	o, err := d.newOutput(rec)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.logPath()); errors.Is(err, fs.ErrNotExist) {
		return nil, o.delete() // its deletion was cut short
	}
	return o, o.resume()
}

// delete removes all files of a container.
func (o *output) delete() error {
	paths := []string{o.logPath()}
	for _, suffix := range []string{".fifo", ".acked", ".times", ".json"} {
		paths = append(paths, o.state(suffix))
	}
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove log: %w", err))
		}
	}
	return errors.Join(errs...)
}

// idOf is the container of a log file's name, "" if it is another file.
func idOf(name string) string {
	id, ok := strings.CutSuffix(name, ".log")
	if !ok {
		return ""
	}
	return id
}
