package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/typeurl/v2"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/slipway/slipway/internal/agent/image"
)

// ExecSpec is a further process in a running container. It has the container's
// environment, user, directory, capabilities and limits unless it says otherwise.
type ExecSpec struct {
	Args       []string
	Env        []string // over the container's
	User       string   // "" the container's; "0" root
	WorkingDir string
	TTY        bool
	// Stdin is read until it ends or the process does; a read that is under way
	// then goes on until its reader returns. nil: none.
	Stdin io.Reader
	// Stdout and Stderr may be nil: discarded. With TTY all goes to Stdout.
	Stdout, Stderr io.Writer
}

// ErrNotRunning says that the container has no process now.
var ErrNotRunning = errors.New("container is not running")

// execPrefix tells our further processes from those of other programs.
const execPrefix = "slipway-"

// Exec starts a further process in a running container. It runs when Exec
// returns; it ends with its container, with the agent, or by itself.
func (r *Containerd) Exec(ctx context.Context, id string, spec ExecSpec) (*Process, error) {
	ctx = r.context(ctx)
	if len(spec.Args) == 0 {
		return nil, errors.New("no exec command specified")
	}
	c, err := r.client.ContainerService().Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("exec in container %s: %w", id, native(err))
	}
	process, err := r.execProcess(ctx, c, spec)
	if err != nil {
		return nil, fmt.Errorf("exec in container %s: %w", id, err)
	}
	pipes, err := newExecIO(r.pipeDir(), spec)
	if err != nil {
		return nil, fmt.Errorf("exec in container %s: %w", id, err)
	}
	p := &Process{r: r, container: id, cgroup: c.Labels[labelCgroup], id: execPrefix + strings.ToLower(rand.Text()), io: pipes, done: make(chan struct{})}
	if err := p.start(ctx, process); err != nil {
		pipes.close()
		return nil, fmt.Errorf("exec in container %s: %w", id, err)
	}
	return p, nil
}

// execProcess is the container's own process, changed as asked.
func (r *Containerd) execProcess(ctx context.Context, c containers.Container, spec ExecSpec) (*specs.Process, error) {
	if c.Labels[LabelInstance] != r.cfg.Instance {
		return nil, ErrNotFound
	}
	oci, err := decode(c)
	if err != nil {
		return nil, err
	}
	p := oci.Process
	p.Args, p.Terminal, p.ConsoleSize = spec.Args, spec.TTY, nil
	p.Env = mergeEnv(p.Env, spec.Env)
	if spec.TTY && !slices.ContainsFunc(p.Env, func(kv string) bool { return strings.HasPrefix(kv, "TERM=") }) {
		p.Env = append(p.Env, "TERM=xterm") // as Docker
	}
	if spec.WorkingDir != "" {
		p.Cwd = spec.WorkingDir
	}
	if spec.User == "" {
		return p, nil
	}
	var users image.Users // none: numbers alone are known
	if img, err := r.catalog.Describe(ctx, c.Image); err == nil {
		users = img.Users
	}
	id, err := users.Lookup(spec.User)
	if err != nil {
		return nil, err
	}
	p.User = identity(id)
	return p, nil
}

// start has the shim make and start the process, and follows it to its end.
func (p *Process) start(ctx context.Context, process *specs.Process) error {
	encoded, err := typeurl.MarshalAny(process)
	if err != nil {
		return fmt.Errorf("encode process: %w", err)
	}
	// A caller that gives up lets containerd finish: a process half made would
	// have no owner.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
	defer cancel()
	_, err = p.r.tasks.Exec(ctx, &tasks.ExecProcessRequest{
		ContainerID: p.container, ExecID: p.id, Terminal: process.Terminal,
		Stdin: p.io.stdinPath, Stdout: p.io.stdoutPath, Stderr: p.io.stderrPath,
		Spec: &anypb.Any{TypeUrl: encoded.GetTypeUrl(), Value: encoded.GetValue()},
	})
	if err = native(err); isNotFound(err) {
		return ErrNotRunning
	}
	if err != nil {
		return err
	}
	resp, err := p.r.tasks.Start(ctx, &tasks.StartRequest{ContainerID: p.container, ExecID: p.id})
	if err = native(err); err != nil {
		_, derr := p.r.tasks.DeleteProcess(ctx, &tasks.DeleteProcessRequest{ContainerID: p.container, ExecID: p.id})
		if derr = native(derr); derr != nil && !isNotFound(derr) && !isShimGone(derr) {
			return errors.Join(err, derr)
		}
		if isNotFound(err) || strings.Contains(err.Error(), "cannot exec in a stopped") || strings.Contains(err.Error(), "cannot exec a container that has stopped") {
			return fmt.Errorf("%w: %w", ErrNotRunning, err)
		}
		return err
	}
	p.pid = resp.Pid
	p.io.begin(func() {
		// The shim keeps the pipe open for others; it is told that no more comes.
		// The process may have ended, which closes it too.
		_, _ = p.r.tasks.CloseIO(context.WithoutCancel(ctx), &tasks.CloseIORequest{ContainerID: p.container, ExecID: p.id, Stdin: true})
	})
	return p.r.adopt(ctx, p)
}
