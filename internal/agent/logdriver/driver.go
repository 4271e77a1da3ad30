// Package logdriver decides where the output of containers goes, keeps it
// within bounds, and reads it back.
//
// It owns the log files. It promises that output is written by containerd's
// shim straight to the file, so that neither a restart of the agent nor of
// containerd loses a line, and that a container cannot fill the disk: of each
// log the newest part stays, and older output is cut off at the front by giving
// its disk blocks back (a hole in the file). No line is lost between being
// written and being cut, because nothing is copied or renamed. A file's apparent
// size therefore grows without end while its disk usage does not; `du` tells the
// truth, `ls` does not. It refuses a driver that it does not know.
package logdriver

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Driver takes the output of containers.
type Driver interface {
	// Open prepares for a container's output and gives the path of the file
	// that the container runtime appends to; "" means that the output is
	// dropped. Opening again continues the same log.
	Open(containerID string, options map[string]string) (path string, err error)
	// Close tells that the container has ended and its output is complete. The
	// log can still be read.
	Close(containerID string) error
	// Remove deletes the log.
	Remove(containerID string) error
}

// None drops all output.
type None struct{}

// Open gives no path.
func (None) Open(string, map[string]string) (string, error) { return "", nil }

// Close does nothing.
func (None) Close(string) error { return nil }

// Remove does nothing.
func (None) Remove(string) error { return nil }

// Select gives the driver for a name as it stands in a task definition; "" is
// the default, kept files.
func Select(name string, files *Files) (Driver, error) {
	switch name {
	case "", "json-file", "local":
		return files, nil
	case "none":
		return None{}, nil
	}
	return nil, fmt.Errorf("logger: no log driver named '%s' is registered", name)
}

// Config of Files.
type Config struct {
	Dir string // one file per container is made in it
	// MaxBytes of one log that are kept at least, unless its options say
	// otherwise; 0 = 64 MiB.
	MaxBytes int64
	Log      *slog.Logger
}

// DefaultMaxBytes bounds a log whose definition sets no size.
const DefaultMaxBytes = 64 << 20

// size is the bound that the options of Docker's json-file driver set:
// max-size times max-file.
func size(options map[string]string, def int64) (int64, error) {
	text, ok := options["max-size"]
	if !ok || text == "-1" {
		return def, nil
	}
	n, err := parseSize(text)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("invalid value for max-size: %q", text)
	}
	files := int64(1)
	if text, ok := options["max-file"]; ok {
		files, err = strconv.ParseInt(text, 10, 32)
		if err != nil || files < 1 {
			return 0, fmt.Errorf("invalid value for max-file: %q", text)
		}
	}
	if n > math.MaxInt64/files {
		return 0, fmt.Errorf("invalid value for max-size: %q", text)
	}
	return n * files, nil
}

// parseSize reads "10m" and its like, in powers of 1024.
func parseSize(text string) (int64, error) {
	text = strings.TrimSuffix(strings.ToLower(text), "b")
	shift := 0
	if text != "" {
		if i := strings.IndexByte("kmgt", text[len(text)-1]); i >= 0 {
			shift, text = 10*(i+1), text[:len(text)-1]
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64>>shift {
		return 0, strconv.ErrRange
	}
	return n << shift, nil
}

// Path is the file of a container's log.
func (f *Files) Path(containerID string) string {
	return filepath.Join(f.cfg.Dir, containerID+".log")
}

func checkID(id string) error {
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return fmt.Errorf("container id %q cannot name a log", id)
	}
	return nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create log directory: %w", err)
	}
	return nil
}
