package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fork starts up to N children that sleep, prints how many there were when the
// kernel refused one more, and sleeps.
func fork(args []string) int {
	n := 0
	for range number(first(args)) {
		// Not by os/exec, whose pipes and goroutines want threads too.
		_, err := syscall.ForkExec("/proc/self/exe", []string{"web", "sleep", "3600"}, &syscall.ProcAttr{Env: []string{"GOMAXPROCS=1"}})
		if err != nil {
			fmt.Println("refused after", n, "children:", err)
			return sleep([]string{"3600"})
		}
		n++
	}
	fmt.Println("started", n, "children")
	return sleep([]string{"3600"})
}

// orphan leaves a grandchild that ends at once, whose parent is gone, and prints
// what became of it.
func orphan([]string) int {
	out, err := exec.Command("/proc/self/exe", "beget").Output()
	if err != nil {
		return failed(err)
	}
	pid := strings.TrimSpace(string(out))
	for range 100 {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			fmt.Println("reaped")
			return 0
		}
		if text := string(stat); strings.HasPrefix(text[strings.LastIndexByte(text, ')'):], ") Z 1 ") {
			fmt.Println("zombie")
			return 0
		}
		<-time.After(20 * time.Millisecond)
	}
	fmt.Println("alive")
	return 0
}

// child runs a command of web in a process of its own.
func child(args []string) int {
	err := exec.Command("/proc/self/exe", args...).Run()
	return failed(err)
}

// beget starts a process that outlives this one, and prints its number.
func beget([]string) int {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"web", "wink"}, &syscall.ProcAttr{})
	fmt.Println(pid)
	return failed(err)
}

func wink([]string) int {
	<-time.After(200 * time.Millisecond)
	return 0
}

// device reads a byte of a device, or says why it can't.
func device(args []string) int {
	f, err := os.OpenFile(first(args), os.O_RDWR, 0)
	if err == nil {
		_, err = f.Read(make([]byte, 1))
		f.Close()
	}
	return failed(err)
}

// mount mounts an empty memory file system, which only root of the machine may.
func mount(args []string) int {
	return failed(syscall.Mount("none", first(args), "tmpfs", 0, ""))
}

// terminal prints which of its three streams are a terminal.
func terminal([]string) int {
	var names []string
	for fd := range 3 {
		if target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); err == nil && strings.HasPrefix(target, "/dev/pts/") {
			names = append(names, strconv.Itoa(fd))
		}
	}
	fmt.Println("terminals:", strings.Join(names, " "))
	return 0
}

// input prints whether its input has ended.
func input([]string) int {
	f := os.NewFile(0, "stdin")
	ended := make(chan struct{})
	go func() {
		_, _ = f.Read(make([]byte, 1))
		close(ended)
	}()
	select {
	case <-ended:
		fmt.Println("input ended")
	case <-time.After(500 * time.Millisecond):
		fmt.Println("input is open")
	}
	return 0
}
