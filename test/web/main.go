// Command web is the small web server of the demo, the tests and the benchmarks:
// one static binary that is the only file of its image.
//
//	web                 serves HTTP on $PORT (80): /, /healthz, /env, /exit?code=N, /alloc?mib=N
//	web exit N          prints a line and exits with N
//	web sleep SECONDS   exits with 0 at the end, and on SIGTERM with 143
//	web stubborn        ignores SIGTERM
//	web print WORDS…    prints the words on stdout and stderr and exits with 0
//	web alloc MIB       takes memory until it has MIB, and keeps it
//	web beacon SOCK ID  sends ID to the datagram socket SOCK and sleeps
//	web inspect WORDS…  prints itself (see process) as one line of JSON and exits with 0
//	web signals         exits with 128 + the number of the first signal that it gets
//	web do STEP…        runs its own commands, one an argument, until one fails
//
// Under the name /bin/sh it is a shell that knows -c and &&. The commands for
// steps are in steps.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	if path.Base(os.Args[0]) == "sh" {
		os.Exit(shell(args))
	}
	if len(args) == 0 {
		args = []string{"serve"}
	}
	run, ok := commands[args[0]]
	if !ok {
		fmt.Fprintln(os.Stderr, "web: unknown command", args[0])
		os.Exit(2)
	}
	os.Exit(run(args[1:]))
}

var commands map[string]func(args []string) int

func init() { // some of them look into it
	commands = map[string]func(args []string) int{
		"serve": serve, "exit": exit, "sleep": sleep, "stubborn": stubborn, "print": printWords, "alloc": alloc,
		"inspect": inspect, "signals": signals, "beacon": beacon, "do": do,
		"read": read, "write": write, "has": has, "wait": wait, "last": last, "get": get, "lines": lines,
		"fork": fork, "orphan": orphan, "child": child, "beget": beget, "wink": wink,
		"device": device, "mount": mount, "terminal": terminal, "input": input,
	}
}

func serve([]string) int {
	port := os.Getenv("PORT")
	if port == "" {
		port = "80"
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	srv := &http.Server{Addr: ":" + port, Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = srv.Shutdown(context.Background())
	}()
	fmt.Println("serving on port", port)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, "web:", err)
		return 1
	}
	return 0
}

func handler() http.Handler {
	host, _ := os.Hostname()
	m := http.NewServeMux()
	m.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "hello from %s, version %s\n", host, os.Getenv("VERSION"))
	})
	m.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	m.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(os.Environ())
	})
	m.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		os.Exit(number(r.URL.Query().Get("code")))
	})
	m.HandleFunc("/alloc", func(w http.ResponseWriter, r *http.Request) {
		take(number(r.URL.Query().Get("mib")))
		fmt.Fprintln(w, "ok")
	})
	return m
}

func exit(args []string) int {
	fmt.Println("exiting as asked")
	return number(first(args))
}

func sleep(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println("sleeping")
	select {
	case <-ctx.Done():
		return 128 + int(syscall.SIGTERM)
	case <-time.After(time.Duration(number(first(args))) * time.Second):
		return 0
	}
}

func stubborn([]string) int {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("ignoring SIGTERM")
	<-time.After(math.MaxInt64) // not select {}: that the runtime calls a deadlock
	return 0
}

func printWords(args []string) int {
	fmt.Println(strings.Join(args, " "))
	fmt.Fprintln(os.Stderr, strings.Join(args, " "))
	return 0
}

func alloc(args []string) int {
	take(number(first(args)))
	return sleep([]string{"3600"})
}

// beacon tells whoever measures that the process runs.
func beacon(args []string) int {
	if len(args) != 2 {
		return 2
	}
	c, err := net.Dial("unixgram", args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		return 1
	}
	if _, err := c.Write([]byte(args[1])); err != nil {
		return 1
	}
	c.Close()
	return sleep([]string{"3600"})
}

var held [][]byte

// take holds that many MiB, every page written.
func take(mib int) {
	for range mib {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
