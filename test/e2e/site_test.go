//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/test/harness"
	"github.com/slipway/slipway/test/machine"
)

const region = "us-east-1"

// dataRoot is the directory of all data directories.
var dataRoot string

// site is a running Slipway with the web image in its registry, and the clients
// of its own account.
type site struct {
	slipway *harness.Slipway
	aws     harness.Clients
	key     harness.Key
	image   string // URI
	log     *os.File
}

// newSite starts a Slipway.
func newSite(ctx context.Context, args ...string) (*site, error) {
	return newSiteWith(ctx, nil, args...)
}

// newSiteWith starts a Slipway with more environment variables than ours.
func newSiteWith(ctx context.Context, env []string, args ...string) (*site, error) {
	dir, err := os.MkdirTemp(dataRoot, "d")
	if err != nil {
		return nil, err
	}
	s := &site{slipway: &harness.Slipway{Binary: *binary, DataDir: dir, Args: args, Env: env, EndWithParent: true}}
	if s.slipway.Listen, err = freeAddress(); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(dir, "slipway.log")); err != nil {
		return nil, err
	}
	s.slipway.Stderr = s.log
	if err := s.slipway.Start(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.logs())
	}
	if s.key, err = s.slipway.RootKey(); err != nil {
		return nil, errors.Join(err, s.slipway.Stop())
	}
	s.aws = s.slipway.Clients(s.key, region)
	if s.image, err = harness.PushImage(ctx, s.aws, "web", "1", webImage); err != nil {
		return nil, errors.Join(err, s.slipway.Stop())
	}
	return s, nil
}

// ownSite starts a Slipway for one test and ends it with the test, which fails if
// anything of it is left.
func ownSite(t *testing.T, args ...string) *site {
	t.Helper()
	return ownSiteWith(t, nil, args...)
}

// ownSiteWith is ownSite with more environment variables than ours.
func ownSiteWith(t *testing.T, env []string, args ...string) *site {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := newSiteWith(ctx, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.logs())
		}
		if err := s.slipway.Stop(); err != nil {
			t.Errorf("end slipway: %v\n%s", err, s.logs())
		}
		s.assertGone(t)
		os.RemoveAll(s.slipway.DataDir)
	})
	return s
}

// start starts it again after a Kill or a Stop.
func (s *site) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := s.slipway.Start(ctx); err != nil {
		t.Fatalf("start again: %v\n%s", err, s.logs())
	}
}

// kill ends it with SIGKILL.
func (s *site) kill(t *testing.T) {
	t.Helper()
	if err := s.slipway.Kill(); err != nil {
		t.Fatalf("kill slipway: %v", err)
	}
}

// name is what the installation puts into its names on the machine.
func (s *site) name(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.slipway.DataDir, "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var id struct{ Name string }
	if err := json.Unmarshal(b, &id); err != nil || id.Name == "" {
		t.Fatalf("identity.json: %s, %v", b, err)
	}
	return id.Name
}

// assertGone fails the test if anything named after this installation is left.
func (s *site) assertGone(t *testing.T) {
	t.Helper()
	name := s.name(t)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	var ours []string
	for {
		state, err := machine.Look(s.slipway.DataDir, name)
		if err != nil {
			t.Fatal(err)
		}
		ours = ours[:0]
		for _, line := range machine.Left(nil, state) {
			if strings.Contains(line, name) || strings.Contains(line, s.slipway.DataDir) {
				ours = append(ours, line)
			}
		}
		if len(ours) == 0 {
			return
		}
		if !pause(ctx) {
			t.Errorf("left behind by %s:\n%s", s.slipway.DataDir, strings.Join(ours, "\n"))
			return
		}
	}
}

// logs are the last warnings and errors of every log of this Slipway.
func (s *site) logs() string {
	files, _ := filepath.Glob(filepath.Join(s.slipway.DataDir, "instances", "*", "agent.log"))
	files = append(files, filepath.Join(s.slipway.DataDir, "containerd.log"), s.log.Name())
	var out strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var lines []string
		for line := range strings.Lines(string(b)) {
			if !strings.Contains(line, "level=INFO") && !strings.Contains(line, "level=info") {
				lines = append(lines, line[:min(len(line), 400)])
			}
		}
		fmt.Fprintf(&out, "--- %s\n", file)
		for _, line := range lines[max(0, len(lines)-15):] {
			fmt.Fprintln(&out, strings.TrimSpace(line))
		}
	}
	return out.String()
}

// freeAddress is a loopback address on which nobody listens. Its port is below
// those that the kernel gives to outgoing connections, so that it is still free
// when a killed Slipway is started again.
func freeAddress() (string, error) {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// defaultParallel is how many tests run at a time unless a flag says otherwise.
func defaultParallel() int { return runtime.GOMAXPROCS(0) }
