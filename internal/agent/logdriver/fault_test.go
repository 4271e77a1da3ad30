package logdriver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A line without end and binary output arrive in pieces that the service takes.
func TestNoEndAndBinary(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		output []byte
	}{
		{"no end", bytes.Repeat([]byte("é"), 2<<20)},
		{"binary", bytes.Repeat([]byte{0xff, 0, 0xc3, 0x28, '\r'}, 200_000)},
		{"many empty lines", append(bytes.Repeat([]byte("\n"), 2<<20), "end"...)},
	} {
		for _, mode := range []string{"blocking", "non-blocking"} {
			t.Run(c.name+" "+mode, func(t *testing.T) {
				s := newService(t, "g")
				r := start(t, t.TempDir(), s)
				shim := openAsShim(t, r.open("awslogs", append(inGroup, "mode", mode)...))
				if _, err := shim.Write(c.output); err != nil {
					t.Fatal(err)
				}
				if err := r.Close(testID); err != nil {
					t.Error(err)
				}
				want := strings.ReplaceAll(valid(string(c.output), len(c.output)), "\n", "")
				s.until("all of it", func() bool { return len(strings.Join(s.texts(stream), "")) >= len(want) })
				if got := strings.Join(s.texts(stream), ""); got != want {
					t.Errorf("%d bytes of %d arrived", len(got), len(want))
				}
			})
		}
	}
}

// A destination that hangs stalls neither another container's log nor the end of
// the agent.
func TestDestinationHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newService(t, "g")
	hung := make(chan struct{}, 1)
	d, err := New(Config{Dir: t.TempDir(), Logs: func(region, credentials string) Call {
		if credentials != "slow" {
			return s.caller(region, credentials)
		}
		return func(ctx context.Context, operation string, _, _ any) error {
			if operation == "PutLogEvents" {
				signal(hung)
				<-ctx.Done()
			}
			return ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	open := func(id, driver string, options ...string) string {
		path, err := d.Open(ctx, Container{ID: id + testID}, driver, pairs(options))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	flood := strings.Repeat(strings.Repeat("x", 99)+"\n", 100_000)
	appendText(t, open("1", "awslogs", append(inGroup, "awslogs-credentials-endpoint", "/v2/credentials/slow")...), flood)
	appendText(t, open("2", "syslog", "syslog-address", "tcp://"+l.Addr().String(), "syslog-format", "rfc5424"), flood)
	<-hung
	appendText(t, open("3", "awslogs", inGroup...), "well\n")
	s.until("the other log", func() bool { return slices.Equal(s.texts(stream), []string{"well"}) })
	cancel()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("Run goes on")
	}
}

// A full disk stalls a blocking container and loses nothing.
func TestFullDisk(t *testing.T) {
	s := newService(t, "g")
	r := start(t, t.TempDir(), s)
	shim := openAsShim(t, r.open("awslogs", append(inGroup, "mode", "blocking")...))
	appendText(t, shim.Name(), "one\n")
	s.until("a line", func() bool { return len(s.texts(stream)) == 1 })
	// A limit on file sizes is the failing write that a test can have.
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_FSIZE, &before) }()
	for i := range 100 {
		if _, err := fmt.Fprintf(shim, "line %02d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	s.until("the log of it", func() bool { return strings.Contains(r.text(), "log not written") })
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	s.until("all lines", func() bool { return len(s.texts(stream)) == 101 })
	if got := s.texts(stream); got[100] != "line 99" {
		t.Errorf("the last is %q", got[100])
	}
}

// Records and positions that a crash or a full disk left behind half written
// stop nothing.
func TestBrokenState(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	dir := t.TempDir()
	r := start(t, dir, s)
	path := r.open("awslogs", inGroup...)
	r.stop()
	for name, text := range map[string]string{"state/" + testID + ".acked": "", "state/" + testID + ".times": "half", "state/x.json": "{", "state/y.json": `{"ID":"z"}`} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	appendText(t, path, "while away\n")
	start(t, dir, s)
	s.until("the line", func() bool { return slices.Equal(s.texts(stream), []string{"while away"}) })
}

// What is written while no agent runs has the time at which the last of it was
// written, and what is sent again its first time.
func TestTimesOverARestart(t *testing.T) {
	s := newService(t, "g")
	dir := t.TempDir()
	r := start(t, dir, s)
	path := r.open("awslogs", inGroup...)
	s.set(func() { s.failAll = errors.New("connection refused") })
	appendText(t, path, "seen\n")
	o := r.output(testID)
	s.until("its time", func() bool { o.mu.Lock(); defer o.mu.Unlock(); _, ok := o.clock.at(0); return ok })
	r.stop()
	seen := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.WriteFile(o.state(".times"), encodeMarks(mark{5, seen.UnixNano()}), 0o600); err != nil {
		t.Fatal(err)
	}
	appendText(t, path, "unseen\n")
	unseen := seen.Add(time.Minute)
	if err := os.Chtimes(path, unseen, unseen); err != nil {
		t.Fatal(err)
	}
	s.set(func() { s.failAll = nil })
	start(t, dir, s)
	s.until("both lines", func() bool { return len(s.events(stream)) == 2 })
	if got := s.events(stream); got[0].Millis != seen.UnixMilli() || got[1].Millis != unseen.UnixMilli() {
		t.Errorf("times %v", got)
	}
}

func TestClock(t *testing.T) {
	c := clock{}
	base := time.Unix(1000, 0)
	for i := range int64(5000) {
		c.note(10*(i+1), base.Add(time.Duration(i)*time.Millisecond))
	}
	if len(c.marks) > maxMarks+1 {
		t.Errorf("%d marks", len(c.marks))
	}
	for i := range int64(5000) {
		at, ok := c.at(10 * i)
		late := at.Sub(base) - time.Duration(i)*time.Millisecond
		if !ok || late < 0 || late > 16*time.Millisecond {
			t.Fatalf("byte %d is late by %v", 10*i, late)
		}
	}
	c.forget(49_990)
	if at, ok := c.at(49_990); len(c.marks) != 1 || !ok || at != base.Add(4999*time.Millisecond) {
		t.Errorf("%v, %v", c.marks, at)
	}
	if _, ok := c.at(50_000); ok {
		t.Error("the future is known")
	}
}

// A line without an end, such as a prompt, costs nothing while nothing comes, and
// arrives when it ends.
func TestPrompt(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	r := start(t, t.TempDir(), s)
	path := r.open("awslogs", inGroup...)
	appendText(t, path, "one\nname? ")
	s.until("the line before", func() bool { return slices.Equal(s.texts(stream), []string{"one"}) })
	appendText(t, path, "x\n")
	s.until("the prompt", func() bool { return slices.Equal(s.texts(stream), []string{"one", "name? x"}) })
}
