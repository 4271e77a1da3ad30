package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// docker is a peer where a daemon answers.
type docker struct {
	beacon  *beacons
	version string
	mu      sync.Mutex
	made    map[string]bool // names that were not removed
}

// newDocker gives nil where no daemon answers, and says so.
func newDocker(ctx context.Context, web string, b *beacons) (*docker, error) {
	d := &docker{beacon: b, made: map[string]bool{}}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var err error
	if d.version, err = d.do(asking, "version", "--format", "{{.Server.Version}}"); err != nil {
		fmt.Println("no Docker daemon answers: no peer of that name")
		return nil, nil //nolint:nilnil // nil is a peer that is absent
	}
	file, err := archive(web, b.dir)
	if err != nil {
		return nil, err
	}
	defer os.Remove(file)
	_, err = d.do(ctx, "load", "-i", file)
	return d, err
}

func (d *docker) do(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w\n%s", args[0], err, indent(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// run starts one container on the host's network, detached.
func (d *docker) run(ctx context.Context, id string, command ...string) error {
	d.mu.Lock()
	d.made[id] = true
	d.mu.Unlock()
	args := []string{"run", "-d", "--name", ctrNamespace + "-" + id, "--network", "host", "--log-driver", "json-file", "-v", d.beacon.dir + ":/beacon", payloadImage}
	_, err := d.do(ctx, append(args, command...)...)
	return err
}

// wait returns when the container has ended and its log is complete.
func (d *docker) wait(ctx context.Context, id string) error {
	_, err := d.do(ctx, "wait", ctrNamespace+"-"+id)
	return err
}

func (d *docker) remove(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		if _, err := d.do(ctx, "rm", "-f", ctrNamespace+"-"+id); err != nil {
			return err
		}
		d.mu.Lock()
		delete(d.made, id)
		d.mu.Unlock()
	}
	return nil
}

// daemon is the process id of dockerd.
func (d *docker) daemon(ctx context.Context) (int, error) {
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if socket == "" {
		socket = "/var/run/docker.sock"
	}
	pid, err := peer(ctx, socket)
	if err != nil {
		return 0, err
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err == nil && strings.TrimSpace(string(name)) != "dockerd" {
		err = fmt.Errorf("%s is %s's: the CPU time of dockerd is not known", socket, strings.TrimSpace(string(name)))
	}
	return pid, err
}

func (d *docker) close(ctx context.Context) {
	if d == nil {
		return
	}
	for id := range d.made {
		_, _ = d.do(ctx, "rm", "-f", ctrNamespace+"-"+id)
	}
	_, _ = d.do(ctx, "image", "rm", payloadImage)
}
