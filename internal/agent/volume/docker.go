package volume

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// The scopes of a Docker volume in a task definition.
const (
	scopeTask   = "task"
	scopeShared = "shared"
)

// driverLocal is the one driver, which Docker has built in.
const driverLocal = "local"

// DockerVolume is a shared volume of this instance.
type DockerVolume struct {
	Name       string
	Driver     string
	Options    map[string]string `json:",omitempty"`
	Labels     map[string]string `json:",omitempty"`
	CreatedAt  time.Time
	Mountpoint string `json:"-"`
}

// Names of the files of a shared volume, in a directory of its own.
const (
	dataDir  = "_data"
	metaFile = "volume.json"
)

// Docker gives the directory of a Docker volume for a task, with its options
// mounted, and whether, being empty, it takes what the image has at its mount
// point. One of scope task is made; one of scope shared is made if it may be,
// and else must exist.
func (s *Store) Docker(task string, v agentproto.Volume) (dir string, copyUp bool, err error) {
	cfg := v.DockerConfiguration
	if cfg == nil {
		cfg = &agentproto.DockerVolume{}
	}
	if err := checkDocker(v.Name, cfg); err != nil {
		return "", false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	options := cfg.DriverOpts
	switch cfg.Scope {
	case "", scopeTask:
		dir, err = s.Scratch(task, v.Name)
	case scopeShared:
		dir, options, err = s.shared(v.Name, cfg)
	default:
		err = fmt.Errorf("volume scope %q is not one of task, shared", cfg.Scope)
	}
	if err == nil {
		err = mountOptions(dir, options)
	}
	if err != nil {
		return "", false, err
	}
	return dir, true, nil
}

var dockerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// checkDocker refuses in Docker's words.
func checkDocker(name string, cfg *agentproto.DockerVolume) error {
	if !dockerName.MatchString(name) {
		return fmt.Errorf("create %s: %q includes invalid characters for a local volume name, only %q are allowed. If you intended to pass a host directory, use absolute path", name, name, "[a-zA-Z0-9][a-zA-Z0-9_.-]")
	}
	if cfg.Driver != "" && cfg.Driver != driverLocal {
		return fmt.Errorf("create %s: error looking up volume plugin %s: plugin %q not found", name, cfg.Driver, cfg.Driver)
	}
	if cfg.Scope == "" || cfg.Scope == scopeTask {
		if cfg.Autoprovision {
			return errors.New("task volume: autoprovision is not allowed for scope task") // the ECS agent rejects the task
		}
	}
	return checkOptions(name, cfg.DriverOpts)
}

// shared finds or makes a shared volume. One that exists is taken with the
// options that it was made with, as Docker does.
func (s *Store) shared(name string, cfg *agentproto.DockerVolume) (string, map[string]string, error) {
	have, err := s.read(name)
	switch {
	case err == nil:
		return have.Mountpoint, have.Options, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", nil, err
	case !cfg.Autoprovision:
		// The ECS agent's words around Docker's.
		return "", nil, fmt.Errorf("initialize volume: volume detection failed, volume '%s' does not exist and autoprovision is set to false: get %s: no such volume", name, name)
	}
	made, err := s.makeShared(DockerVolume{Name: name, Driver: driverLocal, Options: cfg.DriverOpts, Labels: cfg.Labels, CreatedAt: time.Now().UTC()})
	return made.Mountpoint, made.Options, err
}

// Create makes a shared volume, as an operator does for definitions without
// autoprovision; one that exists stays as it is.
func (s *Store) Create(name string, cfg agentproto.DockerVolume) (DockerVolume, error) {
	cfg.Scope, cfg.Autoprovision = scopeShared, true
	if err := checkDocker(name, &cfg); err != nil {
		return DockerVolume{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, _, err := s.shared(name, &cfg); err != nil {
		return DockerVolume{}, err
	}
	return s.read(name)
}

// makeShared writes the record last: a volume without one was never given out.
func (s *Store) makeShared(v DockerVolume) (DockerVolume, error) {
	dir := filepath.Join(s.cfg.Docker, v.Name)
	v.Mountpoint = filepath.Join(dir, dataDir)
	if err := os.MkdirAll(v.Mountpoint, 0o755); err != nil {
		return v, fmt.Errorf("create volume %s: %w", v.Name, err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return v, fmt.Errorf("encode volume %s: %w", v.Name, err)
	}
	if err := writeSynced(filepath.Join(dir, metaFile), data); err != nil {
		return v, fmt.Errorf("create volume %s: %w", v.Name, err)
	}
	return v, nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (s *Store) read(name string) (DockerVolume, error) {
	var v DockerVolume
	data, err := os.ReadFile(filepath.Join(s.cfg.Docker, name, metaFile))
	if err != nil {
		return v, fmt.Errorf("read volume %s: %w", name, err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("decode volume %s: %w", name, err)
	}
	v.Mountpoint = filepath.Join(s.cfg.Docker, name, dataDir)
	return v, nil
}

// List gives the shared volumes of this instance, by name.
func (s *Store) List() ([]DockerVolume, error) {
	entries, err := os.ReadDir(s.cfg.Docker)
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	var out []DockerVolume
	for _, e := range entries {
		v, err := s.read(e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // its making was cut off
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Unmount lets go of what the options of Docker volumes mounted, at the end of
// the instance. Containers that still run keep theirs; the data stays, and the
// next use mounts it again.
func (s *Store) Unmount() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(unmountBelow(s.cfg.Docker), unmountBelow(s.root))
}

// checkOptions are the rules of Docker's local driver.
func checkOptions(name string, options map[string]string) error {
	needs := map[string][]string{"device": {"type"}, "type": {"device"}, "o": {"device", "type"}}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		switch key {
		case "type", "device", "o":
		case "size":
			return fmt.Errorf("create %s: quota size requested but no quota support", name)
		default:
			return fmt.Errorf("create %s: invalid option: %q", name, key)
		}
		for _, need := range needs[key] {
			if options[need] == "" {
				return fmt.Errorf("create %s: missing required option: %q", name, need)
			}
		}
	}
	return nil
}
