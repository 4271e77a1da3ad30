// Package installation is what a data directory says of the Slipway that lives
// in it: who it is on this machine, where it answers, and that only one process
// uses it at a time.
//
// It owns three small files beside the store: identity.json (made once and never
// changed), endpoint.json (where the running or the last process answered) and
// lock. Credentials are the iam room's. It knows no service.
package installation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Identity is made at the first start and kept for life.
type Identity struct {
	// Name makes this installation's names on the machine unique: eight
	// hexadecimal digits.
	Name string `json:"name"`
	// VPC is the CIDR of the default VPCs.
	VPC netip.Prefix `json:"vpc"`
}

// Endpoint is where the API answers.
type Endpoint struct {
	URL    string `json:"url"`
	Region string `json:"region"`
}

// Installation is a data directory that this process holds the lock of.
type Installation struct {
	Dir      string // absolute
	Identity Identity
	lock     *os.File
}

// Open makes the data directory if need be, locks it, and reads its identity.
// chooseVPC is asked once in an installation's life.
func Open(dir string, chooseVPC func(name string) (netip.Prefix, error)) (*Installation, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	i := &Installation{Dir: dir, lock: lock}
	if err := i.identify(chooseVPC); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

// Close gives the lock back.
func (i *Installation) Close() error { return i.lock.Close() }

func (i *Installation) identify(chooseVPC func(string) (netip.Prefix, error)) error {
	file := filepath.Join(i.Dir, "identity.json")
	err := readJSON(file, &i.Identity)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sum := sha256.Sum256([]byte(i.Dir))
	i.Identity.Name = hex.EncodeToString(sum[:4])
	if i.Identity.VPC, err = chooseVPC(i.Identity.Name); err != nil {
		return err
	}
	return writeJSON(file, i.Identity)
}

func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("data directory %s is in use by another Slipway (process %s)", dir, strings.TrimSpace(string(holder)))
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// WriteEndpoint says where the API of this data directory answers.
func (i *Installation) WriteEndpoint(e Endpoint) error {
	return writeJSON(filepath.Join(i.Dir, "endpoint.json"), e)
}

// ReadEndpoint says where the API of a data directory answers, or answered when
// it last ran.
func ReadEndpoint(dir string) (Endpoint, error) {
	var e Endpoint
	err := readJSON(filepath.Join(dir, "endpoint.json"), &e)
	if errors.Is(err, fs.ErrNotExist) {
		return e, fmt.Errorf("no Slipway has been started in %s: run `slipway up --data-dir %s`", dir, dir)
	}
	return e, err
}

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return nil
}

// writeJSON replaces a file in one step, so that a crash leaves the old one or
// the new one.
func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp := file + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(tmp, file)
}
