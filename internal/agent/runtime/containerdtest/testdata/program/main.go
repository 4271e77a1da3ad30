// Command program is what test containers run.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"wait"}
	}
	commands[args[0]](args[1:])
}

var commands = map[string]func([]string){
	"exit":  func(a []string) { os.Exit(number(a[0])) },
	"echo":  func(a []string) { fmt.Println(strings.Join(a, " ")) },
	"both":  func([]string) { fmt.Println("out"); fmt.Fprintln(os.Stderr, "err") },
	"env":   func([]string) { fmt.Println(strings.Join(os.Environ(), "\n")) },
	"about": about,
	"cat":   cat,
	"write": func(a []string) { check(os.WriteFile(a[0], []byte(a[1]), 0o644)) },
	"wait":  func([]string) { wait(syscall.SIGTERM) },
	"trap":  trap,
	"deaf":  deaf,
	"eat":   eat,
	"serve": serve,
	"lines": lines,
	"get":   get,
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}

func about([]string) {
	dir, err := os.Getwd()
	check(err)
	host, err := os.Hostname()
	check(err)
	groups, err := os.Getgroups()
	check(err)
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	var files syscall.Rlimit
	check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	fmt.Println("uid", os.Getuid(), "gid", os.Getgid(), "groups", groups)
	fmt.Println("dir", dir)
	fmt.Println("host", host)
	fmt.Println("pid", os.Getpid())
	fmt.Println("files", files.Max)
	for line := range strings.Lines(string(status)) {
		for _, key := range []string{"CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"} {
			if strings.HasPrefix(line, key) {
				fmt.Println(strings.Join(strings.Fields(line), " "))
			}
		}
	}
}

func cat(paths []string) {
	for _, p := range paths {
		data, err := os.ReadFile(p)
		check(err)
		os.Stdout.Write(data)
	}
}

func wait(sigs ...os.Signal) os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, sigs...)
	fmt.Println("ready")
	return <-c
}

// trap SIGNAL CODE: exit with the code when the signal comes.
func trap(a []string) {
	wait(syscall.Signal(number(a[0])))
	os.Exit(number(a[1]))
}

// deaf lets no signal end it but SIGKILL.
func deaf([]string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	fmt.Println("ready")
	for range c {
	}
}

// eat MiB: take memory and hold it.
func eat(a []string) {
	var held [][]byte
	for range number(a[0]) {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
	}
	fmt.Println("full", len(held))
	wait(syscall.SIGTERM)
}

// serve ADDRESS TEXT
func serve(a []string) {
	l, err := net.Listen("tcp", a[0])
	check(err)
	fmt.Println("ready")
	check(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, a[1]) })))
}

// lines N MICROSECONDS: print that many numbered lines, pausing after each.
func lines(a []string) {
	tick := time.NewTicker(time.Duration(number(a[1])) * time.Microsecond)
	for i := range number(a[0]) {
		fmt.Println("line", i)
		<-tick.C
	}
}

func get(a []string) {
	resp, err := http.Get(a[0])
	check(err)
	defer resp.Body.Close()
	var b [4096]byte
	n, _ := resp.Body.Read(b[:])
	fmt.Printf("%s\n", b[:n])
}
