package up

import (
	"io"
	"log/slog"
	"os/exec"
	"testing"
)

// shim is a process that looks like a shim of the containerd at the socket, until
// its input is closed.
func shim(t *testing.T, socket string) (cmd *exec.Cmd, in io.Closer) {
	t.Helper()
	cmd = &exec.Cmd{Path: "/bin/sh", Args: []string{"/usr/bin/containerd-shim-runc-v2", "-c", "read line", "-address", socket}}
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

func TestEndShims(t *testing.T) {
	o := &ownContainerd{socket: t.TempDir() + "/c.sock", log: slog.New(slog.DiscardHandler)}
	ours, _ := shim(t, o.socket)
	other, in := shim(t, o.socket+".other")
	if err := o.endShims(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cmd  *exec.Cmd
		want string
	}{{"ours", ours, "signal: killed"}, {"another containerd's", other, "exit status 1"}} {
		_ = c.cmd.Wait() // how it ended is looked at
		if got := c.cmd.ProcessState.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		in.Close() // its read ends with 1
	}
}
