// Command program is what test containers run.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
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
	"copy":  copyInput,
	"tty":   tty,
	"child": child,
	"runs":  runs,
	"links": links,
	"sem":   sem,
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

// copy: what comes in goes out; then say that the input has ended.
func copyInput([]string) {
	_, err := io.Copy(os.Stdout, os.Stdin)
	check(err)
	fmt.Println("end of input")
}

// tty: say whether there is a terminal, and its size now and when it changes;
// end at a line of input.
func tty([]string) {
	size := func() {
		var w struct{ Row, Col, X, Y uint16 }
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, 1, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&w)))
		fmt.Println("terminal", errno == 0, "rows", w.Row, "columns", w.Col)
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	size()
	fmt.Println("ready")
	line := make(chan string)
	go func() {
		text, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		line <- text
	}()
	for {
		select {
		case <-c:
			size()
		case text := <-line:
			fmt.Printf("input %q\n", text)
			return
		}
	}
}

// child COMMAND…: run this program as a child and wait, whatever signals come.
func child(a []string) {
	cmd := exec.Command("/program", a...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	check(cmd.Start())
	fmt.Println("child", cmd.Process.Pid)
	deaf(nil)
}

// runs FILE CODE: count the runs in a file, print the number, and exit with the
// code, or wait if it is negative.
func runs(a []string) {
	data, _ := os.ReadFile(a[0])
	check(os.WriteFile(a[0], append(data, '.'), 0o644))
	fmt.Println("run", len(data)+1)
	if code := number(a[1]); code >= 0 {
		os.Exit(code)
	}
	wait(syscall.SIGTERM)
}

// links PATH…: where they lead, and what type of file they are.
func links(paths []string) {
	for _, p := range paths {
		if to, err := os.Readlink(p); err == nil {
			fmt.Println(p, to)
		} else if st, err := os.Stat(p); err == nil {
			fmt.Println(p, st.Mode())
		} else {
			fmt.Println(p, "missing")
		}
	}
}

// sem FILE TEXT: write to shared memory if there is text, and print what it holds.
func sem(a []string) {
	if a[1] != "" {
		check(os.WriteFile("/dev/shm/"+a[0], []byte(a[1]), 0o644))
	}
	data, _ := os.ReadFile("/dev/shm/" + a[0])
	fmt.Printf("holds %q\n", data)
	wait(syscall.SIGTERM)
}
