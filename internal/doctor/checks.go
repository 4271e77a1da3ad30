package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/runtime"
)

func checkRoot(context.Context, Config) Finding {
	f := Finding{Name: "permissions", OK: os.Geteuid() == 0, Detail: "running as root"}
	if !f.OK {
		f.Detail = "containers, namespaces and bridges need root"
		f.Fix = "run the same command with sudo"
	}
	return f
}

func checkCgroups(context.Context, Config) Finding {
	f := Finding{Name: "cgroups"}
	fs, err := cgroup.Detect()
	if err != nil {
		f.Detail, f.Fix = err.Error(), "boot with systemd.unified_cgroup_hierarchy=1 cgroup_enable=memory"
		return f
	}
	occupied, err := fs.Occupied()
	if err != nil {
		f.Detail = err.Error()
		return f
	}
	if len(occupied) > 0 {
		f.Detail = fmt.Sprintf("processes %v sit in the root of this container's control groups, so groups below it can have no limits", occupied)
		f.Fix = "mkdir -p /sys/fs/cgroup/init && for p in $(cat /sys/fs/cgroup/cgroup.procs); do echo $p > /sys/fs/cgroup/init/cgroup.procs; done"
		return f
	}
	f.OK, f.Detail = true, fmt.Sprintf("%s with cpu, memory and pids", fs.Mode())
	return f
}

func checkOverlay(context.Context, Config) Finding {
	f := Finding{Name: "overlayfs", Detail: "an overlay can be mounted"}
	if err := tryOverlay(); err != nil {
		f.Detail, f.Fix = err.Error(), "modprobe overlay"
		return f
	}
	f.OK = true
	return f
}

func tryOverlay() error {
	dir, err := os.MkdirTemp("", "slipway-doctor")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// An overlay's upper directory may not be on an overlay, as /tmp is inside
	// a container; a tmpfs always serves.
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	for _, d := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	opts := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	merged := filepath.Join(dir, "merged")
	if err := unix.Mount("overlay", merged, "overlay", 0, opts); err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	return unix.Unmount(merged, unix.MNT_DETACH)
}

func checkContainerd(ctx context.Context, cfg Config) Finding {
	f := Finding{Name: "containerd"}
	if version, err := containerdVersion(ctx, cfg.Containerd); err == nil {
		f.OK, f.Detail = true, fmt.Sprintf("%s at %s", version, cfg.Containerd)
		return f
	}
	path, err := exec.LookPath("containerd")
	if err != nil {
		f.Detail, f.Fix = "not installed", "apt-get install -y containerd"
		return f
	}
	f.OK, f.Detail = true, fmt.Sprintf("%s is not running at %s; slipway up starts one of its own", path, cfg.Containerd)
	return f
}

func containerdVersion(ctx context.Context, socket string) (string, error) {
	if _, err := os.Stat(socket); err != nil {
		return "", err
	}
	c, err := containerd.New(socket, containerd.WithTimeout(2*time.Second))
	if err != nil {
		return "", err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	v, err := c.Version(ctx)
	if err != nil {
		return "", err
	}
	return v.Version, nil
}

// checkRuntime finds the runtime as the agent does.
func checkRuntime(ctx context.Context, _ Config) Finding {
	f := Finding{Name: "runtime", Fix: "apt-get install -y runc"}
	groups, err := cgroup.Detect()
	if err != nil {
		f.Detail, f.Fix = "depends on the control groups: "+err.Error(), ""
		return f
	}
	path, err := runtime.Probe(ctx, groups.Mode())
	if err != nil {
		f.Detail = strings.ReplaceAll(err.Error(), "\n", "; ")
		return f
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		f.Detail = fmt.Sprintf("ask %s for its version: %v", path, err)
		return f
	}
	first, _, _ := strings.Cut(string(out), "\n")
	f.OK, f.Detail, f.Fix = true, fmt.Sprintf("%s at %s", first, path), ""
	return f
}

// enoughDisk is what images, logs and the store of a small cluster need.
const enoughDisk = 2 << 30

func checkDisk(_ context.Context, cfg Config) Finding {
	dir := existingParent(cfg.DataDir)
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Finding{Name: "disk", Detail: fmt.Sprintf("look at %s: %v", dir, err), Optional: true}
	}
	free := st.Bavail * uint64(st.Bsize)
	f := Finding{Name: "disk", OK: free >= enoughDisk, Optional: true, Detail: fmt.Sprintf("%.1f GiB free at %s", float64(free)/(1<<30), dir)}
	if !f.OK {
		f.Fix = "free some space, or choose another --data-dir"
	}
	return f
}

func existingParent(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == "/" || dir == "." {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
