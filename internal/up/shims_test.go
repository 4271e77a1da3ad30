package up

import (
	"context"
	"io"
	"log/slog"
	"os/exec"
	"testing"
)

// shim is a process that looks like a shim of the containerd at the socket. It
// ends with 1 when its input is closed.
func shim(t *testing.T, socket string, command ...string) (cmd *exec.Cmd, in io.Closer) {
	t.Helper()
	args := []string{"/usr/bin/containerd-shim-runc-v2", "-c", "read line", "-address", socket}
	cmd = &exec.Cmd{Path: "/bin/sh", Args: append(args, command...)}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return cmd, in
}

// ending is how a process ended.
func ending(cmd *exec.Cmd) string {
	_ = cmd.Wait() // its state says more
	return cmd.ProcessState.String()
}

const killed, byItself = "signal: killed", "exit status 1"

func TestEndShims(t *testing.T) {
	o := &ownContainerd{socket: t.TempDir() + "/c.sock", log: slog.New(slog.DiscardHandler)}
	holding, _ := shim(t, o.socket)
	cleaning, done := shim(t, o.socket, "delete")
	other, otherDone := shim(t, o.socket+".other")
	over := make(chan error)
	go func() { over <- o.endShims(t.Context()) }()
	if got := ending(holding); got != killed {
		t.Errorf("the shim of a container: %s", got)
	}
	select {
	case err := <-over:
		t.Errorf("did not wait for the clean-up: %v", err)
	default:
	}
	done.Close()
	if got := ending(cleaning); got != byItself {
		t.Errorf("the clean-up: %s", got)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
	otherDone.Close()
	if got := ending(other); got != byItself {
		t.Errorf("another containerd's shim: %s", got)
	}
}

func TestEndShimsWithoutTime(t *testing.T) {
	o := &ownContainerd{socket: t.TempDir() + "/c.sock", log: slog.New(slog.DiscardHandler)}
	cleaning, _ := shim(t, o.socket, "delete")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.endShims(ctx); err != nil {
		t.Error(err)
	}
	if got := ending(cleaning); got != killed {
		t.Errorf("the clean-up: %s", got)
	}
}
