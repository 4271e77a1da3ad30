package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/tinylib/msgp/msgp"
)

// configFile is where a FireLens router of the type fluentbit finds what its
// agent wrote.
const configFile = "/fluent-bit/etc/fluent-bit.conf"

var unixPath = regexp.MustCompile(`(?m)^\s*unix_path\s+(\S+)`)

// router listens where its configuration says, and prints the configuration and
// every message of Fluentd's forward protocol, as a line of JSON.
func router([]string) error {
	conf, err := os.ReadFile(configFile)
	if err != nil {
		return fmt.Errorf("read the router's configuration: %w", err)
	}
	fmt.Printf("%s\n", conf)
	// What the task keeps of it elsewhere.
	if more, err := os.ReadFile("/fluent-bit/etc/external.conf"); err == nil {
		fmt.Printf("%s\n", more)
	}
	path := unixPath.FindSubmatch(conf)
	if path == nil {
		return errors.New("the configuration names no socket")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("unix", string(path[1]))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go show(conn)
	}
}

func show(conn net.Conn) {
	defer conn.Close()
	for in := msgp.NewReader(conn); ; {
		var message msgp.Raw
		if message.DecodeMsg(in) != nil {
			return
		}
		line, err := message.MarshalJSON()
		if err != nil {
			return
		}
		fmt.Printf("%s\n", line)
	}
}
