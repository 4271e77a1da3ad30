// Command demo is the walkthrough of `make demo`: it starts Slipway, runs an ECS
// cluster through its life with the AWS SDK, says at each step which AWS CLI
// command does the same, and checks that nothing is left behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/slipway/slipway/test/harness"
	"github.com/slipway/slipway/test/machine"
)

func main() {
	var (
		binary = flag.String("slipway", "bin/slipway", "the slipway binary")
		web    = flag.String("web", "bin/demo-web", "the web server that is put into an image")
		keep   = flag.Bool("keep", false, "leave Slipway and the service running")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *web, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, web string, keep bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	before, err := machine.Look(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "slipway-demo-")
	if err != nil {
		return err
	}
	d := &demo{web: web, out: os.Stdout}
	if err := d.start(ctx, binary, dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	err = d.walk(ctx, keep)
	if keep && err == nil {
		d.leave(dir)
		return nil
	}
	d.say("Ending Slipway", "kill -TERM "+fmt.Sprint(d.slipway.Pid()))
	err = errors.Join(err, d.slipway.Stop(), os.RemoveAll(dir))
	if err != nil {
		return err
	}
	return d.clean(before, binary)
}

func (d *demo) start(ctx context.Context, binary, dir string) error {
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	d.slipway = &harness.Slipway{Binary: binary, DataDir: dir, Listen: listen, Stderr: logFile(dir)}
	d.say("Starting Slipway with three container instances",
		fmt.Sprintf("slipway up --data-dir %s --listen %s", dir, listen))
	begin := time.Now()
	if err := d.slipway.Start(ctx); err != nil {
		return err
	}
	d.tell("ready after %.1f s", time.Since(begin).Seconds())
	key, err := d.slipway.RootKey()
	if err != nil {
		return errors.Join(err, d.slipway.Stop())
	}
	d.aws = d.slipway.Clients(key, region)
	return nil
}

// leave says how to go on by hand.
func (d *demo) leave(dir string) {
	fmt.Fprintf(d.out, `
Slipway goes on running (process %d). In another shell:

    eval "$(%s env --data-dir %s)"
    aws ecs list-services
    aws ecs update-service --service web --desired-count 4

End it with:  kill -TERM %d   and remove %s
`, d.slipway.Pid(), d.slipway.Binary, dir, d.slipway.Pid(), dir)
}

// clean compares the machine with how it was.
func (d *demo) clean(before machine.State, binary string) error {
	after, err := machine.Look(binary)
	if err != nil {
		return err
	}
	left := machine.Left(before, after)
	for _, l := range left {
		d.tell("left behind: %s", l)
	}
	if len(left) > 0 {
		return fmt.Errorf("%d things were left behind", len(left))
	}
	d.tell("nothing is left behind: no process, mount, namespace, interface, address, rule or control group")
	return nil
}

// freeAddress is a loopback address on which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func logFile(dir string) *os.File {
	f, err := os.Create(filepath.Join(dir, "slipway.log"))
	if err != nil {
		return os.Stderr
	}
	return f
}
