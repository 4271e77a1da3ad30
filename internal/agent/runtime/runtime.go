// Package runtime runs containers through containerd.
//
// It owns containerd's records, snapshots and tasks of one agent: those in its
// namespace that carry its instance label. It promises that every method may be
// repeated, that an exit is never lost (it stays with the container until
// Remove, across restarts of the agent and of containerd), and that a container
// behaves as Docker would run it: capabilities, devices, masked paths, limits,
// environment, user and working directory. It refuses to guess: what a Spec
// asks for and the host cannot give is an error.
//
// Containers get containerd's default seccomp profile unless privileged or told
// otherwise, and no AppArmor profile unless a security option names one.
package runtime

import (
	"context"
	"syscall"
	"time"
)

// Spec is one container, fully resolved. Paths are of the host.
type Spec struct {
	ID         string            // containerd's id, unique in the namespace
	Task, Name string            // kept as labels LabelTask and LabelName
	Labels     map[string]string // further labels
	Image      string            // image.Image.Name

	Command    []string // nil = the image's, unless EntryPoint is given
	EntryPoint []string // nil = the image's
	Env        []string // "KEY=value", over the image's
	WorkingDir string   // "" = the image's; made if absent
	User       string   // "" = the image's; "user", "uid", "user:group" …
	Hostname   string
	StopSignal string // "" = the image's, or SIGTERM; "SIGQUIT", "QUIT" or "3"

	CPUShares         uint64 // relative weight, 1024 = one CPU; 0 = the kernel's default
	MemoryLimit       int64  // bytes, hard; 0 = none
	MemoryReservation int64  // bytes, soft; 0 = none
	MemorySwap        int64  // bytes of memory plus swap; 0 = twice MemoryLimit, -1 = unlimited
	MemorySwappiness  *int64 // 0 to 100; nil or -1 = the kernel's; ignored on cgroup v2, as by Docker
	PidsLimit         int64  // 0 = none
	CgroupParent      string // below the instance's cgroup: "task-1"; "" = directly in it

	// NetNS is the path of a network namespace. Without it a container has an
	// empty one with a loopback device, or with HostNetwork the agent's own.
	NetNS       string
	HostNetwork bool

	Mounts  []Mount
	Tmpfs   map[string]string // path -> options as Docker's ("size=64m,noexec")
	ShmSize int64             // bytes of /dev/shm; 0 = 64 MiB

	// PIDMode is "" for a namespace of its own or "host"; PIDContainer is the id
	// of a running container whose namespace is shared instead.
	PIDMode, PIDContainer string
	// IPCMode is "" or "private" for a namespace of its own, "shareable" for one
	// that others may join by IPCContainer, "none" for one without /dev/shm, or
	// "host".
	IPCMode, IPCContainer string

	// TTY gives the process a terminal, whose output is the log's; OpenStdin lets
	// it wait for input that never comes, instead of finding its end at once.
	TTY, OpenStdin bool

	// LogPath is the file that gets stdout and stderr, each appended in its own
	// order, or a named pipe; "" discards them. LogErrPath, if given, gets stderr
	// alone. See package logdriver.
	LogPath, LogErrPath string

	// Pause makes a container without an image, in which an init reaps what others
	// leave: it holds the namespaces that they share. Command, user and the like
	// do not apply.
	Pause bool

	// Group puts containers with one value under one shim process: less memory
	// per container, creation partly serial. "" = a shim of its own.
	Group string

	Privileged     bool
	ReadonlyRootfs bool
	Init           bool // run an init as process 1, which reaps and passes signals on
	CapAdd         []string
	CapDrop        []string
	SecurityOpt    []string // "no-new-privileges", "seccomp=unconfined", "apparmor=PROFILE", "label=…"
	Ulimits        []Ulimit
	Sysctls        map[string]string
	Devices        []Device // a directory gives all devices in it
}

// Mount binds a path of the host into the container.
type Mount struct {
	Source, Destination string
	ReadOnly            bool
	// CopyUp fills an empty Source with what the image has at Destination, as
	// Docker does for its volumes.
	CopyUp bool
}

// Ulimit is a resource limit; Name as Docker's ("nofile").
type Ulimit struct {
	Name       string
	Soft, Hard int64 // -1 = unlimited
}

// Device gives a device of the host to the container.
type Device struct {
	Host, Container string // Container "" = the same path
	Permissions     string // of "rwm"; "" = all
}

// Status is where a container is in its life.
type Status string

// The statuses. None means that no process was made or that it is gone without
// a trace, as after a restart of the machine.
const (
	None    Status = "none"
	Created Status = "created"
	Running Status = "running"
	Stopped Status = "stopped"
)

// State is what is known of a container.
type State struct {
	ID          string
	Labels      map[string]string
	Status      Status
	Pid         uint32 // while Created or Running
	ExitCode    int    // when Stopped
	OOM         bool   // when Stopped: the kernel killed a process of it for want of memory
	StartedAt   time.Time
	ExitedAt    time.Time
	Image       string
	ImageDigest string
}

// Exit is the end of a container.
type Exit struct {
	Code int // as a shell shows it: 128 + signal for a killed process
	At   time.Time
	OOM  bool
	// Vanished says that the process is gone and nobody saw how; Code is 137.
	Vanished bool
}

// Exited is an Exit with its container.
type Exited struct {
	ID string
	Exit
}

// Runtime runs containers. Unknown ids give an error that satisfies
// errors.Is(err, ErrNotFound), except for Remove. A context without a deadline
// waits for a containerd that is away.
type Runtime interface {
	// Create makes the container and its process, which does not run yet. An
	// id that exists already is left as it is.
	Create(ctx context.Context, spec Spec) error
	// Start lets the process run; a running one is left alone.
	Start(ctx context.Context, id string) (pid uint32, err error)
	// Restart makes a new process for a container that has ended, on the same
	// files, and lets it run; a running one is left alone. Its log goes on.
	Restart(ctx context.Context, id string) (pid uint32, err error)
	// Signal sends to the container's first process. A stopped container is no
	// error.
	Signal(ctx context.Context, id string, sig syscall.Signal) error
	// StopSignal is the signal that asks this container to end.
	StopSignal(ctx context.Context, id string) (syscall.Signal, error)
	// Wait gives the exit, at once for a stopped container. Its output is
	// complete by then. The channel is closed without a value if ctx ends.
	Wait(ctx context.Context, id string) (<-chan Exit, error)
	Inspect(ctx context.Context, id string) (State, error)
	// List gives this agent's containers that carry all of the labels.
	List(ctx context.Context, labels map[string]string) ([]State, error)
	// Remove ends the container, by SIGKILL if need be, and deletes all of it
	// but its log.
	Remove(ctx context.Context, id string) error
	// Purge removes all containers of this agent.
	Purge(ctx context.Context) error
	// Exits hears of every exit from now on, until ctx ends.
	Exits(ctx context.Context) <-chan Exited
	// Exec starts a further process in a running container.
	Exec(ctx context.Context, id string, spec ExecSpec) (*Process, error)
	// Usage are the counters of a running container.
	Usage(ctx context.Context, id string) (Usage, error)
	// Volumes are what a container got for the volumes that its image declares.
	Volumes(ctx context.Context, id string) ([]Mount, error)
	// Version names containerd and the low-level runtime.
	Version(ctx context.Context) (string, error)
}

var _ Runtime = (*Containerd)(nil)

// Labels of every container.
const (
	LabelInstance = "slipway.io/instance"
	LabelTask     = "slipway.io/task"
	LabelName     = "slipway.io/name"

	labelDigest     = "slipway.io/image-digest"
	labelCgroup     = "slipway.io/cgroup"
	labelStopSignal = "slipway.io/stop-signal"
	labelExit       = "slipway.io/exit"  // JSON of ending
	labelEarlier    = "slipway.io/ended" // the exit before a restart that is under way
	labelSetup      = "slipway.io/setup" // JSON of setup
)
