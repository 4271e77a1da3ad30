// Package volume makes the host directories that tasks mount.
//
// It owns, per instance, the directories of volumes that live as long as their
// task and those of Docker volumes of shared scope, with what is mounted on
// them. It promises that what it made for a task is gone after RemoveTask; that
// nothing else is ever deleted: neither a directory of the host that a user
// named (made if it is absent, as Docker does), nor a shared Docker volume, nor
// an EFS file system's stand-in, nor anything mounted anywhere in between; and
// that a restart of the agent knows them all. It refuses names that would lead
// out of its directories, and volume drivers other than Docker's local one.
//
// An EFS file system is stood in for by a directory per file system id, shared
// by all instances that are given the same Config.EFS. It is made at its first
// use. A rootDirectory below it must exist, as on EFS, where mounting fails
// otherwise; an access point's directory, <file system>/<access point id>, is
// made, as an access point does.
package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Config says where volumes are.
type Config struct {
	Root   string // of what lives with its task
	Docker string // of Docker's shared volumes; "" = "docker-volumes" beside Root
	EFS    string // of EFS file systems; "" = "efs" beside Root
}

// Store makes and removes volumes. Its methods are safe for concurrent use.
type Store struct {
	cfg  Config
	root string

	mu sync.Mutex // making and mounting of Docker volumes
}

// New makes the root directory of the volumes that tasks own, with the others
// beside it.
func New(root string) (*Store, error) { return Open(Config{Root: root}) }

// Open makes the directories of the volumes.
func Open(cfg Config) (*Store, error) {
	beside := filepath.Dir(filepath.Clean(cfg.Root))
	if cfg.Docker == "" {
		cfg.Docker = filepath.Join(beside, "docker-volumes")
	}
	if cfg.EFS == "" {
		cfg.EFS = filepath.Join(beside, "efs")
	}
	for _, dir := range []string{cfg.Root, cfg.Docker} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("create volume directory: %w", err)
		}
	}
	return &Store{cfg: cfg, root: cfg.Root}, nil
}

// Host gives the directory or file of the host at source, made as a directory
// if nothing is there.
func (s *Store) Host(source string) (string, error) {
	if !filepath.IsAbs(source) {
		return "", fmt.Errorf("invalid volume specification: source path %q is not absolute", source)
	}
	clean := filepath.Clean(source)
	switch _, err := os.Stat(clean); {
	case err == nil:
		return clean, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("look at volume source: %w", err)
	}
	if err := os.MkdirAll(clean, 0o755); err != nil {
		return "", fmt.Errorf("create volume source: %w", err)
	}
	return clean, nil
}

// Scratch gives the directory of a volume that lives with its task, empty when
// it is new.
func (s *Store) Scratch(task, name string) (string, error) {
	for _, part := range []string{task, name} {
		if err := check(part); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(s.root, task, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create volume %s: %w", name, err)
	}
	return dir, nil
}

// RemoveTask deletes all volumes of a task with what is in them.
func (s *Store) RemoveTask(task string) error {
	if err := check(task); err != nil {
		return err
	}
	dir := filepath.Join(s.root, task)
	// What is mounted belongs to others: it is let go before anything is deleted.
	if err := unmountBelow(dir); err != nil {
		return fmt.Errorf("remove volumes of task %s: %w", task, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove volumes of task %s: %w", task, err)
	}
	return nil
}

// Sweep removes the volumes of all tasks but those to keep: after a restart of
// the agent.
func (s *Store) Sweep(keep func(task string) bool) error {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !keep(e.Name()) {
			errs = append(errs, s.RemoveTask(e.Name()))
		}
	}
	return errors.Join(errs...)
}

func check(name string) error {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("volume name %q cannot name a directory", name)
	}
	return nil
}
