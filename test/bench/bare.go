package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
)

// bareScenario is how the bench starts itself as a bare server: in a process of
// its own, as its peers are.
const bareScenario = "bare-server"

// serveBare answers every request with an empty object, and prints where.
func serveBare() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte("{}"))
	}))
}

// startBare runs serveBare and gives it as a contestant.
func startBare(ctx context.Context) (subject, func(), error) {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", bareScenario)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return subject{}, nil, err
	}
	if err := cmd.Start(); err != nil {
		return subject{}, nil, err
	}
	stop := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return subject{}, nil, fmt.Errorf("start the bare server: %w", err)
	}
	return subject{name: "bare", endpoint: "http://" + strings.TrimSpace(addr)}, stop, nil
}
