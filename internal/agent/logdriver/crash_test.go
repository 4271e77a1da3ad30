package logdriver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// childEnv makes the test binary an agent that ships the logs of a directory.
const childEnv = "SLIPWAY_TEST_LOGDRIVER_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir, os.Getenv(childEnv+"_URL"), os.Getenv(childEnv+"_MODE"))
	}
	os.Exit(m.Run())
}

func child(dir, url, mode string) {
	call := func(ctx context.Context, operation string, in, out any) error {
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		resp, err := http.Post(url+"/"+operation, "application/json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return awsError{resp.Header.Get("Code"), resp.Status}
		}
		return json.NewDecoder(resp.Body).Decode(out)
	}
	d, err := New(Config{Dir: dir, Logs: func(string, string) Call { return call }})
	if err == nil {
		var path string
		path, err = d.Open(context.Background(), Container{ID: testID}, "awslogs", pairs(append(inGroup, "mode", mode)))
		fmt.Println(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	d.Run(context.Background())
}

// Killed again and again in the middle of its work, the agent loses no line and
// changes no order; it may send lines twice.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "non-blocking"} {
		t.Run(mode, func(t *testing.T) { killed(t, mode) })
	}
}

func killed(t *testing.T, mode string) {
	s := newService(t, "g")
	puts := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // it was killed while it sent
		}
		operation := strings.TrimPrefix(req.URL.Path, "/")
		answer, err := s.serve(operation, body)
		if operation == "PutLogEvents" {
			signal(puts)
		}
		if err != nil {
			w.Header().Set("Code", CodeOf(err))
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, answer)
		signal(s.changed)
	}))
	defer server.Close()
	dir := t.TempDir()
	agent, path := startChild(t, dir, server.URL, mode)
	shim := openAsShim(t, path)
	const lines = 60_000
	wrote := make(chan error, 1)
	go func() {
		for i := range lines {
			if _, err := fmt.Fprintf(shim, "line %08d %s\n", i, strings.Repeat("x", 80)); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	for range 4 {
		<-puts // it is at work
		agent()
		agent, _ = startChild(t, dir, server.URL, mode)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	s.until("the last line", func() bool {
		got := s.texts(stream)
		return len(got) > 0 && strings.HasPrefix(got[len(got)-1], fmt.Sprintf("line %08d ", lines-1))
	})
	agent()
	next := 0
	for _, text := range s.texts(stream) {
		var n int
		if _, err := fmt.Sscanf(text, "line %d", &n); err != nil || n > next {
			t.Fatalf("line %d is missing before %q", next, text)
		}
		next = max(next, n+1)
	}
}

// startChild starts an agent and gives what kills it, and the log's path.
func startChild(t *testing.T, dir, url, mode string) (kill func(), path string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = slices.Concat(os.Environ(), []string{childEnv + "=" + dir, childEnv + "_URL=" + url, childEnv + "_MODE=" + mode})
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(kill)
	if _, err := fmt.Fscanln(out, &path); err != nil {
		t.Fatalf("agent did not start: %v", err)
	}
	return kill, path
}
