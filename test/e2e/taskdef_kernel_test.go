//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// kernelRows: linuxParameters and the like (ecs-behaviour: containers).
var kernelRows = []row{{
	// Read of the init process: a Go program raises its own limit of open files.
	name: "ulimits", check: func(t *testing.T, r *ran) {
		limits := regexp.MustCompile(` {2,}`).ReplaceAllString(r.saw(t)["/proc/1/limits"], "|")
		for _, want := range []string{"Max open files|2048|4096|", "Max core file size|0|0|", "Max processes|100|200|processes"} {
			if !strings.Contains(limits, want) {
				t.Errorf("limits %q lack %q", limits, want)
			}
		}
	},
	def: of(with(box("main", "read", "/proc/1/limits"), func(c *types.ContainerDefinition) {
		c.LinuxParameters = &types.LinuxParameters{InitProcessEnabled: aws.Bool(true)}
		c.Ulimits = []types.Ulimit{
			{Name: types.UlimitNameNofile, SoftLimit: 2048, HardLimit: 4096}, {Name: types.UlimitNameCore},
			{Name: types.UlimitNameNproc, SoftLimit: 100, HardLimit: 200},
		}
	})),
}, {
	name: "capabilities: Docker's fourteen", check: can(0xa80425fb),
	def: of(box("main", "read", "/proc/self/status")),
}, {
	name: "capabilities add and drop", check: can((0xa80425fb | 1<<12 | 1<<19) &^ (1<<13 | 1<<0)),
	def: of(linux(box("main", "read", "/proc/self/status"), types.LinuxParameters{
		Capabilities: &types.KernelCapabilities{Add: []string{"NET_ADMIN", "SYS_PTRACE"}, Drop: []string{"CHOWN", "NET_RAW"}},
	})),
}, {
	name: "capabilities drop ALL", check: can(0),
	def: of(linux(box("main", "read", "/proc/self/status"), types.LinuxParameters{
		Capabilities: &types.KernelCapabilities{Drop: []string{"ALL"}},
	})),
}, {
	name: "devices", check: prints("{\"/dev/fuze\":\"lstat /dev/fuze: no such file or directory\"}\n"),
	def: of(linux(box("main", "do", "device /dev/mine", "read /dev/fuze"), types.LinuxParameters{
		Devices: []types.Device{{HostPath: aws.String("/dev/zero"), ContainerPath: aws.String("/dev/mine")}},
	})),
}, {
	name: "devices: permissions", check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 1)
		if out := r.output(t, task, "main"); !strings.Contains(out, "operation not permitted") {
			t.Errorf("output %q", out)
		}
	},
	def: of(linux(box("main", "device", "/dev/kmsg"), types.LinuxParameters{
		Devices: []types.Device{{HostPath: aws.String("/dev/kmsg"), Permissions: []types.DeviceCgroupPermission{types.DeviceCgroupPermissionRead}}},
	})),
}, {
	name:  "devices: one that the machine does not have",
	check: fails(`CannotStartContainerError: Error response from daemon: error gathering device information while adding custom device "/dev/nosuch": no such file or directory`),
	def:   of(linux(box("main", "exit", "0"), types.LinuxParameters{Devices: []types.Device{{HostPath: aws.String("/dev/nosuch")}}})),
}, {
	name: "tmpfs", check: mounted("/fast", "tmpfs", "size=16384k", "noexec"),
	def: of(linux(box("main", "do", "write /fast/file text", "read /proc/self/mounts"), types.LinuxParameters{
		Tmpfs: []types.Tmpfs{{ContainerPath: aws.String("/fast"), Size: 16, MountOptions: []string{"noexec"}}},
	})),
}, {
	name: "sharedMemorySize", check: mounted("/dev/shm", "tmpfs", "size=131072k"),
	def: of(linux(box("main", "read", "/proc/self/mounts"), types.LinuxParameters{SharedMemorySize: aws.Int32(128)})),
}, {
	name: "sharedMemorySize absent: 64 MiB", check: mounted("/dev/shm", "tmpfs", "size=65536k"),
	def: of(box("main", "read", "/proc/self/mounts")),
}, {
	name: "initProcessEnabled reaps orphans", check: prints("reaped\n"),
	def: of(linux(box("main", "orphan"), types.LinuxParameters{InitProcessEnabled: aws.Bool(true)})),
}, {
	name: "initProcessEnabled passes signals and exit codes on",
	def:  of(linux(box("main", "signals"), types.LinuxParameters{InitProcessEnabled: aws.Bool(true)})),
	check: func(t *testing.T, r *ran) {
		r.awaitOutput(t, r.running(t), "main", "waiting for a signal")
		assertExit(t, r.stop(t, r.arn), "main", 143)
	},
}, {
	name: "initProcessEnabled absent: the command is process 1", check: prints("zombie\n"),
	def: of(box("main", "orphan")),
}, {
	name: "systemControls", check: func(t *testing.T, r *ran) {
		seen := r.saw(t)
		if seen["/proc/sys/net/core/somaxconn"] != "777\n" || seen["/proc/sys/kernel/msgmax"] != "9999\n" {
			t.Errorf("saw %q", seen)
		}
	},
	def: of(with(box("main", "read", "/proc/sys/net/core/somaxconn", "/proc/sys/kernel/msgmax"), func(c *types.ContainerDefinition) {
		c.SystemControls = []types.SystemControl{
			{Namespace: aws.String("net.core.somaxconn"), Value: aws.String("777")},
			{Namespace: aws.String("kernel.msgmax"), Value: aws.String("9999")},
		}
	})),
}, {
	name: "readonlyRootFilesystem", check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 1)
		if out := r.output(t, task, "main"); !strings.Contains(out, "/file: read-only file system") {
			t.Errorf("output %q", out)
		}
	},
	def: of(with(box("main", "do", "write /dev/shm/file text", "write /file text"), readOnly)),
}, {
	name: "readonlyRootFilesystem leaves volumes writable", check: prints("{\"/scratch/file\":\"text\\n\"}\n"),
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{with(mounting(box("main", "do", "write /scratch/file text", "read /scratch/file"), "scratch", "/scratch"), readOnly)},
		Volumes:              []types.Volume{{Name: aws.String("scratch")}},
	},
}, {
	name: "privileged", check: func(t *testing.T, r *ran) {
		seen := r.saw(t)
		if !strings.Contains(seen["/proc/self/status"], fmt.Sprintf("CapEff:\t%016x", ownCapabilities(t))) ||
			strings.Contains(seen["/dev/kmsg"], "no such file") {
			t.Errorf("saw %q", seen)
		}
	},
	def: of(with(box("main", "do", "mount /tmp", "read /proc/self/status"), func(c *types.ContainerDefinition) { c.Privileged = aws.Bool(true) })),
}, {
	name: "privileged absent", check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 1)
		if out := r.output(t, task, "main"); !strings.Contains(out, "operation not permitted") {
			t.Errorf("output %q", out)
		}
	},
	def: of(box("main", "mount", "/tmp")),
}, {
	name: "dockerSecurityOptions no-new-privileges", check: sees("/proc/self/status", "NoNewPrivs:\t1"),
	def: of(with(box("main", "read", "/proc/self/status"), func(c *types.ContainerDefinition) {
		c.DockerSecurityOptions = []string{"no-new-privileges"}
	})),
}, {
	name: "dockerSecurityOptions absent", check: sees("/proc/self/status", "NoNewPrivs:\t0", "Seccomp:\t2"),
	def: of(box("main", "read", "/proc/self/status")),
}, {
	name: "pidMode host", check: func(t *testing.T, r *ran) {
		assertNamespace(t, r.saw(t), "pid", true)
	},
	def: definition{PidMode: types.PidModeHost, ContainerDefinitions: []types.ContainerDefinition{box("main", "read", "/proc/self/ns/pid", "/proc/self/ns/ipc")}},
}, {
	name: "pidMode task", check: assertShared("pid"),
	def: definition{PidMode: types.PidModeTask, ContainerDefinitions: []types.ContainerDefinition{
		box("main", "read", "/proc/self/ns/pid", "/proc/self/ns/ipc"), beside("other", "read", "/proc/self/ns/pid", "/proc/self/ns/ipc"),
	}},
}, {
	name: "pidMode absent", check: func(t *testing.T, r *ran) { assertNamespace(t, r.saw(t), "pid", false) },
	def: of(box("main", "read", "/proc/self/ns/pid", "/proc/self/ns/ipc")),
}, {
	name: "ipcMode host", check: func(t *testing.T, r *ran) { assertNamespace(t, r.saw(t), "ipc", true) },
	def: definition{IpcMode: types.IpcModeHost, ContainerDefinitions: []types.ContainerDefinition{box("main", "read", "/proc/self/ns/pid", "/proc/self/ns/ipc")}},
}, {
	name: "ipcMode task shares /dev/shm too", check: assertShared("ipc"),
	def: definition{IpcMode: types.IpcModeTask, ContainerDefinitions: []types.ContainerDefinition{
		after(box("main", "do", "has /dev/shm/common", "read /proc/self/ns/pid /proc/self/ns/ipc"), "other", onSuccess),
		beside("other", "do", "write /dev/shm/common text", "read /proc/self/ns/pid /proc/self/ns/ipc"),
	}},
}, {
	name: "ipcMode none has no /dev/shm", check: func(t *testing.T, r *ran) {
		seen := r.saw(t)
		assertNamespace(t, seen, "ipc", false)
		if strings.Contains(seen["/proc/self/mounts"], " /dev/shm ") {
			t.Errorf("mounts %q", seen["/proc/self/mounts"])
		}
	},
	def: definition{IpcMode: types.IpcModeNone, ContainerDefinitions: []types.ContainerDefinition{box("main", "read", "/proc/self/ns/ipc", "/proc/self/mounts")}},
}}

func readOnly(c *types.ContainerDefinition) { c.ReadonlyRootFilesystem = aws.Bool(true) }

// can checks the effective capabilities of the container main, without those
// that this machine itself does not give.
func can(want uint64) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		line := fmt.Sprintf("CapEff:\t%016x", want&ownCapabilities(t))
		if status := r.saw(t)["/proc/self/status"]; !strings.Contains(status, line) {
			t.Errorf("status %q lacks %q", status, line)
		}
	}
}

func ownCapabilities(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`CapEff:\t([0-9a-f]+)`).FindSubmatch(status)
	caps, err := strconv.ParseUint(string(found[1]), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return caps
}

// mounted checks a line of /proc/self/mounts.
func mounted(path, kind string, options ...string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		mounts := r.saw(t)["/proc/self/mounts"]
		for line := range strings.Lines(mounts) {
			f := strings.Fields(line)
			if f[1] != path || f[2] != kind {
				continue
			}
			for _, o := range options {
				if !strings.Contains(","+f[3]+",", ","+o+",") {
					t.Errorf("%s is mounted with %q, which lacks %s", path, f[3], o)
				}
			}
			return
		}
		t.Errorf("no %s at %s: %q", kind, path, mounts)
	}
}

// assertNamespace checks whether a container was in a namespace of the machine.
func assertNamespace(t *testing.T, seen map[string]string, kind string, ours bool) {
	t.Helper()
	path := "/proc/self/ns/" + kind
	own, err := os.Readlink(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	if (seen[path] == own) != ours || !strings.HasPrefix(seen[path], kind) {
		t.Errorf("%s namespace %s, the machine's is %s", kind, seen[path], own)
	}
}

// assertShared checks that two containers are in one namespace of that kind,
// which is not the machine's. The other kinds cannot be compared: the kernel gives
// the number of a namespace that has ended to the next one.
func assertShared(kind string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 0)
		one, two := sightings(t, r.output(t, task, "main")), sightings(t, r.output(t, task, "other"))
		assertNamespace(t, one, kind, false)
		if path := "/proc/self/ns/" + kind; one[path] != two[path] {
			t.Errorf("%s namespaces %s and %s", kind, one[path], two[path])
		}
	}
}
