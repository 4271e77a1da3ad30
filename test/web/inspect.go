package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// process is what `web inspect` says of itself.
type process struct {
	Args       []string
	Env        []string
	Dir        string
	UID, GID   int
	Hostname   string
	Interfaces []string // names of the network interfaces
}

func inspect([]string) int {
	p := process{Args: os.Args, Env: os.Environ(), UID: os.Getuid(), GID: os.Getgid()}
	p.Dir, _ = os.Getwd()
	p.Hostname, _ = os.Hostname()
	interfaces, err := net.Interfaces()
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		return 1
	}
	for _, i := range interfaces {
		p.Interfaces = append(p.Interfaces, i.Name)
	}
	if err := json.NewEncoder(os.Stdout).Encode(p); err != nil {
		return 1
	}
	return 0
}

func signals([]string) int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	fmt.Println("waiting for a signal")
	return 128 + int((<-c).(syscall.Signal))
}
