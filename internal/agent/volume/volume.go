// Package volume makes the host directories that tasks mount.
//
// It owns the directories of volumes that live as long as their task, below
// its root. It promises that a directory of the host that a user named is made
// if it is absent, as Docker does, and is never deleted; and that what it made
// for a task is gone after RemoveTask. It refuses names that would lead out of
// its root.
package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Store makes and removes volumes. Its methods are safe for concurrent use.
type Store struct{ root string }

// New makes the root directory of the volumes that tasks own.
func New(root string) (*Store, error) {
	if err := os.MkdirAll(root, 0o711); err != nil {
		return nil, fmt.Errorf("create volume directory: %w", err)
	}
	return &Store{root: root}, nil
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
	if err := os.RemoveAll(filepath.Join(s.root, task)); err != nil {
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
