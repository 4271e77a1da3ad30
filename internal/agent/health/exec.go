package health

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/slipway/slipway/internal/agent/runtime"
)

// Runtime starts further processes in containers; *runtime.Containerd is one.
type Runtime interface {
	Exec(ctx context.Context, id string, spec runtime.ExecSpec) (*runtime.Process, error)
}

// killAgain is the time between attempts to kill a command.
const killAgain = 5 * time.Second

// In runs commands through the runtime. When life, the agent's own, has ended, a
// command that cannot be killed is left behind.
func In(life context.Context, rt Runtime) Exec {
	return func(ctx context.Context, containerID string, args []string, out io.Writer) (int, error) {
		p, err := rt.Exec(ctx, containerID, runtime.ExecSpec{Args: args, Stdout: out, Stderr: out})
		if err != nil {
			return 0, cause(err)
		}
		exit, err := p.Wait(ctx)
		if ctx.Err() != nil {
			return end(life, p)
		}
		return exit.Code, err
	}
}

// cause leaves out which container it was: whoever reads it asked about that one.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// end kills the command until it is gone.
func end(life context.Context, p *runtime.Process) (int, error) {
	for {
		patience, cancel := context.WithTimeout(context.WithoutCancel(life), killAgain)
		kerr := p.Kill(patience)
		exit, err := p.Wait(patience)
		cancel()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || life.Err() != nil {
			return exit.Code, errors.Join(err, kerr)
		}
	}
}
