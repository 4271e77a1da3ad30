package engine

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/slipway/slipway/internal/agent/journal"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/logdriver/firelens"
	"github.com/slipway/slipway/internal/agentproto"
)

// What effects answer that the engine branches on.
var (
	// ErrNotFound says that the container does not exist.
	ErrNotFound = errors.New("container not found")
	// ErrUnavailable says that the container runtime does not answer; the
	// engine waits for it.
	ErrUnavailable = errors.New("container runtime is unavailable")
	// ErrRefused says that a report will never be accepted; it is dropped.
	ErrRefused = errors.New("report refused")
)

// Runtime runs containers. All methods may be repeated.
//
// Errors may begin with one of the ECS agent's error names and a colon, which
// then becomes the container's reason as it is.
type Runtime interface {
	// Create makes the container and everything but its running process. It
	// leaves nothing behind when it fails.
	Create(ctx context.Context, spec ContainerSpec) error
	// Start starts the created process.
	Start(ctx context.Context, id string) error
	// Restart starts the process of an exited container anew, with the files
	// that it left. One that runs is left alone.
	Restart(ctx context.Context, id string) error
	// Stop sends the signal by which the container wants to be stopped; Kill
	// sends SIGKILL. Neither waits for the exit.
	Stop(ctx context.Context, id string) error
	Kill(ctx context.Context, id string) error
	// Wait delivers the exit of the process, at once if it has exited. The
	// channel is closed without one when it cannot tell any more.
	Wait(ctx context.Context, id string) (<-chan Exit, error)
	Inspect(ctx context.Context, id string) (Process, error)
	// Volumes are what the container got for the volumes that its image declares.
	Volumes(ctx context.Context, id string) ([]Mount, error)
	// List finds every container that this instance made.
	List(ctx context.Context) ([]Process, error)
	// Remove kills what runs and deletes the container with its files and logs;
	// one that is not there is no error.
	Remove(ctx context.Context, id string) error
}

// Images pulls images and forgets them.
type Images interface {
	// Pull makes an image available. The error's text is a container's reason.
	Pull(ctx context.Context, ref string, auth RegistryAuth) (Image, error)
	// Cleanup deletes images that are unused for long, except those to keep.
	Cleanup(ctx context.Context, keep func(name string) bool) error
}

// Registries finds out how to log in to an image's registry.
type Registries interface {
	Auth(ctx context.Context, image string, how *agentproto.RegistryAuthentication, execution *agentproto.RoleCredentials) (RegistryAuth, error)
}

// Network connects containers.
type Network interface {
	Attach(ctx context.Context, req NetworkRequest) (Attachment, error)
	// Detach gives back what Attach made; nothing there is no error.
	Detach(ctx context.Context, containerID string) error
	// Recover keeps the connections of these containers, and gives back all
	// others that this instance made.
	Recover(ctx context.Context, attached map[string]Attachment) error
}

// Volumes provides directories to mount.
type Volumes interface {
	// Prepare returns the directory on the instance that is the volume, and
	// whether, being empty, it takes what the image has at its mount point.
	Prepare(ctx context.Context, taskID string, v agentproto.Volume) (dir string, copyUp bool, err error)
	// Release deletes the volumes that lived with the task.
	Release(ctx context.Context, taskID string) error
	// Recover releases the volumes of all tasks but those to keep.
	Recover(ctx context.Context, keep func(taskID string) bool) error
}

// Cgroups bounds whole tasks.
type Cgroups interface {
	// Create makes the task's group and returns the path to put containers
	// under. Zero cpu (vCPUs) or memory (MiB) is no limit.
	Create(ctx context.Context, taskID string, cpu float64, memory int64) (string, error)
	// Delete deletes it; nothing there is no error.
	Delete(ctx context.Context, taskID string) error
}

// Health checks running containers.
type Health interface {
	// Watch checks a running container until stop is called; changed is told of
	// each new verdict, from another goroutine. stop may be called twice.
	Watch(containerID string, check agentproto.Healthcheck, changed func(HealthStatus)) (stop func())
}

// HealthStatus is a health check's last verdict.
type HealthStatus struct {
	Verdict  lifecycle.Health
	Since    time.Time // of this verdict
	ExitCode int       // of the check that gave it
	Output   string    // of that check, cut to what AWS shows
}

// Settings looks up what a task takes from elsewhere before its containers are
// made, with its execution role's credentials; nil where it has none. The text
// of an error becomes the tail of the task's ResourceInitializationError. One
// that is ErrUnavailable is worth another attempt.
type Settings interface {
	// Secrets returns the values, in the order of refs.
	Secrets(ctx context.Context, execution *agentproto.RoleCredentials, refs []agentproto.Secret) ([]string, error)
	// EnvironmentFile returns the file's content.
	EnvironmentFile(ctx context.Context, execution *agentproto.RoleCredentials, f agentproto.EnvironmentFile) ([]byte, error)
}

// Routers keeps the files of tasks' log routers.
type Routers interface {
	// Files are the paths of a task's.
	Files(taskID string) firelens.Files
	// Write puts them there: the configuration, and what the task keeps of it
	// elsewhere, nil for nothing.
	Write(taskID, config string, external []byte) error
	// Remove deletes them; nothing there is no error.
	Remove(taskID string) error
}

// MetadataFiles are what containers can read of themselves
// (ECS_ENABLE_CONTAINER_METADATA).
type MetadataFiles interface {
	// Write brings the file of container i up to date and returns the directory
	// that it is in. ready: the container runs.
	Write(v View, i int, ready bool) (dir string, err error)
	// Remove deletes the files of a task.
	Remove(taskARN string) error
}

// Exec opens running containers to ECS Exec.
type Exec interface {
	// Attach opens a container until detach is called. now: it can be entered
	// already; else served is called once, when that is so, from another
	// goroutine.
	Attach(c ExecTarget, served func()) (now bool, detach func())
}

// ExecTarget is a container that ECS Exec may run commands in.
type ExecTarget struct {
	TaskARN                    string
	ContainerID, ContainerName string
	Properties                 map[string]string // of its ExecuteCommandAgent
}

// Reporter submits reports to the control plane. An error that is not
// ErrRefused is worth another attempt.
type Reporter interface {
	Submit(ctx context.Context, r Report) error
}

// Journal keeps records; *journal.Journal is one.
type Journal interface {
	Put(group, key string, value []byte) journal.Wait
	Delete(group, key string) journal.Wait
	Each(group string, visit func(key string, value []byte) error) error
}

// ContainerSpec is all that a runtime has to know to make a container.
type ContainerSpec struct {
	ID            string // 64 hex digits, the runtimeId of the ECS API
	Name          string // Docker-like: ecs-<family>-<revision>-<container>-<hex>
	TaskARN       string
	ContainerName string
	Labels        map[string]string
	Image         Image
	EntryPoint    []string // nil: the image's
	Command       []string // nil: the image's, unless EntryPoint is set
	Env           []string // NAME=value; wins over the image's
	Config        agentproto.Config
	Host          agentproto.HostConfig // NetworkMode is never empty
	Network       Attachment
	Mounts        []Mount
	CgroupParent  string
	// Pause makes a container without an image, to hold the namespaces that
	// others name as container:<id> in Host.PidMode and Host.IpcMode.
	Pause bool
}

// Mount is a bind mount.
type Mount struct {
	Source, Target string
	ReadOnly       bool
	CopyUp         bool // an empty Source takes what the image has at Target
}

// Image is an image that is on the instance.
type Image struct {
	Name   string `json:",omitempty"` // as the runtime knows it
	Digest string `json:",omitempty"` // empty: unknown
	// Reference is what the task definition says.
	Reference string `json:"-"`
}

// RegistryAuth says how to reach a registry. The zero value is anonymously and
// by name.
type RegistryAuth struct {
	User, Password string
	Endpoint       string // URL to dial instead of the name in the reference
}

// NetworkRequest asks for one container's network.
type NetworkRequest struct {
	TaskARN     string
	ContainerID string
	Mode        string // bridge, host, none
	Ports       []agentproto.PortMapping
}

// Attachment is a container's network.
type Attachment struct {
	NetNS    string     `json:",omitempty"` // path; empty: the instance's own
	IP       netip.Addr `json:",omitzero"`
	Bindings []Binding  `json:",omitempty"`
}

// Binding is one published port, or a range of them.
type Binding struct {
	BindIP             string `json:"bindIP,omitempty"`
	ContainerPort      int    `json:"containerPort,omitempty"`
	HostPort           int    `json:"hostPort,omitempty"`
	Protocol           string `json:"protocol"`
	ContainerPortRange string `json:"containerPortRange,omitempty"`
	HostPortRange      string `json:"hostPortRange,omitempty"`
}

// ProcessState is what is left of, or there of, a container's process.
type ProcessState uint8

// The states. Absent: the container exists without any process.
const (
	Absent ProcessState = iota
	Ready               // made, not started
	Alive
	Exited
)

// Process is a container as the runtime sees it.
type Process struct {
	ID    string
	State ProcessState
	// StartedAt is zero where the runtime does not know it.
	StartedAt time.Time
	Exit      Exit // when Exited
}

// Exit is how a process ended.
type Exit struct {
	Code int
	At   time.Time
	OOM  bool // the kernel killed it for memory
}
