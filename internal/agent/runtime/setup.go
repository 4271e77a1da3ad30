package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/containers"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// setup is what making a container's process again needs beyond containerd's
// record of it. It is kept as a label.
type setup struct {
	Log, ErrLog string `json:",omitempty"`
	Group       string `json:",omitempty"`
	TTY, Stdin  bool   `json:",omitempty"`
	HostNet     bool   `json:",omitempty"`
	PID, IPC    string `json:",omitempty"` // containers whose namespaces are joined
	Shareable   bool   `json:",omitempty"`
	Shm         int64  `json:",omitempty"` // size of the shareable /dev/shm
}

func newSetup(spec Spec) setup {
	s := setup{
		Log: spec.LogPath, ErrLog: spec.LogErrPath, Group: spec.Group, TTY: spec.TTY, Stdin: spec.OpenStdin,
		HostNet: spec.HostNetwork && spec.NetNS == "",
		PID:     spec.PIDContainer, IPC: spec.IPCContainer,
	}
	if spec.IPCMode == ipcShareable {
		s.Shareable, s.Shm = true, spec.ShmSize
		if s.Shm == 0 {
			s.Shm = shmSize
		}
	}
	return s
}

func setupOf(labels map[string]string) (setup, error) {
	var s setup
	text, ok := labels[labelSetup]
	if !ok {
		return s, errors.New("container has no setup label")
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("decode setup label: %w", err)
	}
	return s, nil
}

// prefix names this agent among those of the machine.
func (r *Containerd) prefix() string {
	return strings.NewReplacer("/", "_").Replace(r.cfg.Namespace + "-" + r.cfg.Instance)
}

// pipeDir holds pipes that only live while a process is being made.
func (r *Containerd) pipeDir() string { return filepath.Join(r.cfg.RunDir, r.prefix(), "pipes") }

// runDir holds a container's console and shared memory, dataDir its volumes.
func (r *Containerd) runDir(id string) string {
	return filepath.Join(r.cfg.RunDir, r.prefix(), "containers", id)
}

func (r *Containerd) dataDir(id string) string {
	return filepath.Join(r.cfg.DataDir, r.prefix(), id)
}

func (r *Containerd) shmDir(id string) string { return filepath.Join(r.runDir(id), "shm") }

// joined are the namespaces that a container takes from others, by path.
type joined struct{ net, pid, ipc, shm string }

// join finds them; those of another container are there while it runs.
func (r *Containerd) join(ctx context.Context, id string, s setup) (joined, error) {
	j := joined{net: hostNetNS()}
	if s.Shareable {
		j.shm = r.shmDir(id)
	}
	if s.PID != "" {
		donor, err := r.Inspect(ctx, s.PID)
		if err != nil {
			return j, fmt.Errorf("join PID namespace: %w", err)
		}
		if donor.Status != Running {
			return j, fmt.Errorf("cannot join PID of a non running container: %s", s.PID)
		}
		j.pid = fmt.Sprintf("/proc/%d/ns/pid", donor.Pid)
	}
	if s.IPC == "" {
		return j, nil
	}
	donor, err := r.Inspect(ctx, s.IPC)
	if err != nil {
		return j, fmt.Errorf("join IPC namespace: %w", err)
	}
	if donor.Status != Running {
		return j, fmt.Errorf("cannot join IPC of a non running container: %s", s.IPC)
	}
	given, err := setupOf(donor.Labels)
	if err != nil {
		return j, err
	}
	if !given.Shareable {
		return j, fmt.Errorf("can't join IPC of container %s: non-shareable IPC (hint: use IpcMode:shareable for the donor container)", s.IPC)
	}
	j.ipc, j.shm = fmt.Sprintf("/proc/%d/ns/ipc", donor.Pid), r.shmDir(s.IPC)
	return j, nil
}

// rejoin puts today's paths into a specification that was made earlier.
func (j joined) rejoin(oci *specs.Spec, s setup) {
	for i := range oci.Linux.Namespaces {
		switch ns := &oci.Linux.Namespaces[i]; {
		case ns.Type == specs.NetworkNamespace && s.HostNet:
			ns.Path = j.net
		case ns.Type == specs.PIDNamespace && s.PID != "":
			ns.Path = j.pid
		case ns.Type == specs.IPCNamespace && s.IPC != "":
			ns.Path = j.ipc
		}
	}
}

// makeShm mounts the memory that a container shares with others.
func (r *Containerd) makeShm(id string, s setup) error {
	if !s.Shareable {
		return nil
	}
	dir := r.shmDir(id)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return fmt.Errorf("make shared memory: %w", err)
	}
	if mounted, err := isMount(dir); err != nil || mounted {
		return err
	}
	options := fmt.Sprintf("mode=1777,size=%d", s.Shm)
	if err := unix.Mount("shm", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("make shared memory: %w", err)
	}
	return nil
}

// isMount says whether a file system is mounted at dir.
func isMount(dir string) (bool, error) {
	var own, above unix.Stat_t
	if err := unix.Lstat(dir, &own); err != nil {
		return false, fmt.Errorf("look at %s: %w", dir, err)
	}
	if err := unix.Lstat(filepath.Dir(dir), &above); err != nil {
		return false, fmt.Errorf("look at %s: %w", filepath.Dir(dir), err)
	}
	return own.Dev != above.Dev, nil
}

// imageVolumes are the volumes that the image declares and that nothing else is
// mounted at. Each is a directory of the container's, filled from the image.
func (r *Containerd) imageVolumes(spec Spec, img ocispec.ImageConfig) []Mount {
	var out []Mount
	for _, dest := range slices.Sorted(maps.Keys(img.Volumes)) {
		dest = path.Clean("/" + dest)
		_, tmpfs := spec.Tmpfs[dest]
		taken := func(m Mount) bool { return path.Clean(m.Destination) == dest }
		if dest == "/" || tmpfs || slices.ContainsFunc(spec.Mounts, taken) {
			continue
		}
		sum := sha256.Sum256([]byte(dest))
		out = append(out, Mount{Source: filepath.Join(r.dataDir(spec.ID), hex.EncodeToString(sum[:8])), Destination: dest, CopyUp: true})
	}
	return out
}

// Volumes are what the container got for the volumes that its image declares,
// for others that take over its volumes.
func (r *Containerd) Volumes(ctx context.Context, id string) ([]Mount, error) {
	c, err := r.client.ContainerService().Get(r.context(ctx), id)
	if err != nil {
		return nil, fmt.Errorf("look up container %s: %w", id, native(err))
	}
	oci, err := decode(c)
	if err != nil {
		return nil, err
	}
	var out []Mount
	for _, m := range oci.Mounts {
		if filepath.Dir(m.Source) == r.dataDir(id) {
			out = append(out, Mount{Source: m.Source, Destination: m.Destination})
		}
	}
	return out, nil
}

func decode(c containers.Container) (*specs.Spec, error) {
	var oci specs.Spec
	if err := json.Unmarshal(c.Spec.GetValue(), &oci); err != nil {
		return nil, fmt.Errorf("decode specification of container %s: %w", c.ID, err)
	}
	return &oci, nil
}

// dropOwn deletes what a container has on the host beside containerd's records:
// volumes of its image, console, shared memory.
func (r *Containerd) dropOwn(id string) error {
	if err := unix.Unmount(r.shmDir(id), unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount shared memory of %s: %w", id, err)
	}
	for _, dir := range []string{r.runDir(id), r.dataDir(id)} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove files of %s: %w", id, err)
		}
	}
	return nil
}
