package store

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestKillKeepsAcknowledgedCommits kills a writing process again and again, and looks for what it said was stored.
func TestKillKeepsAcknowledgedCommits(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for range 4 {
		acknowledged = append(acknowledged, writeAndKill(t, dir, 150)...)
		checkAcknowledged(t, dir, acknowledged)
	}
}

// writeAndKill lets a process write until it has acknowledged some commits, then kills it.
func writeAndKill(t *testing.T, dir string, least int) (acknowledged []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // what came without its end was not yet said
		}
		acknowledged = append(acknowledged, strings.TrimSpace(line))
		if len(acknowledged) == least {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if len(acknowledged) < least {
		t.Fatalf("the writer ended after %d commits", len(acknowledged))
	}
	return acknowledged
}

func checkAcknowledged(t *testing.T, dir string, acknowledged []string) {
	t.Helper()
	s := open(t, Config{Dir: dir})
	defer s.Close()
	snap := s.Snapshot()
	for _, key := range acknowledged {
		p, ok := pets.Get(snap, key)
		if !ok {
			t.Fatalf("%s was acknowledged and is gone", key)
		}
		n, _ := strconv.Atoi(p.Name)
		if k, ok := keepers.Get(snap, p.Owner); !ok || k.Pets < n {
			t.Fatalf("the other record of the transaction of %s is %v", key, k)
		}
	}
	if pets.Count(snap, "kind", "dog") < len(acknowledged) {
		t.Errorf("index has %d of %d records", pets.Count(snap, "kind", "dog"), len(acknowledged))
	}
}
