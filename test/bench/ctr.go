package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/test/image"
)

// ctr is the reference: containerd's own command line on the same containerd.
type ctr struct {
	socket string
	beacon *beacons
	cpu    atomic.Int64 // nanoseconds that its processes took
	mu     sync.Mutex
	made   map[string]bool // ids that were not removed
}

// ctrNamespace keeps the reference's containers apart from Slipway's.
const ctrNamespace = "slipway-bench"

// payloadImage is its name outside Slipway's registry.
const payloadImage = "bench.invalid/payload:1"

func newCtr(ctx context.Context, on *cluster, web string, b *beacons) (*ctr, error) {
	socket, err := on.containerd()
	if err != nil {
		return nil, err
	}
	c := &ctr{socket: socket, beacon: b, made: map[string]bool{}}
	file, err := archive(web, b.dir)
	if err != nil {
		return nil, err
	}
	defer os.Remove(file)
	return c, c.do(ctx, "image", "import", file)
}

// archive writes the payload's image, which the caller removes.
func archive(web, dir string) (string, error) {
	img, err := image.FromBinary(web)
	if err != nil {
		return "", err
	}
	ref, err := name.NewTag(payloadImage)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "image.tar")
	if err := tarball.WriteToFile(file, ref, img); err != nil {
		return "", fmt.Errorf("write image: %w", err)
	}
	return file, nil
}

func (c *ctr) do(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"-a", c.socket, "-n", ctrNamespace}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if s := cmd.ProcessState; s != nil {
		c.cpu.Add(int64(s.UserTime() + s.SystemTime()))
	}
	if err != nil {
		return fmt.Errorf("ctr %s: %w\n%s", args[0], err, indent(out.String()))
	}
	return nil
}

// run starts one container, detached.
func (c *ctr) run(ctx context.Context, id string, hostNetwork bool) error {
	args := []string{"run", "-d", "--mount", "type=bind,src=" + c.beacon.dir + ",dst=/beacon,options=rbind:rw"}
	if hostNetwork {
		args = append(args, "--net-host")
	}
	c.mu.Lock()
	c.made[id] = true
	c.mu.Unlock()
	return c.do(ctx, append(args, payloadImage, id, "/web", "beacon", "/beacon/sock", id)...)
}

func (c *ctr) remove(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		if err := c.do(ctx, "task", "rm", "-f", id); err != nil {
			return err
		}
		if err := c.do(ctx, "container", "rm", id); err != nil {
			return err
		}
		c.mu.Lock()
		delete(c.made, id)
		c.mu.Unlock()
	}
	return nil
}

// runMany starts containers, so many at a time.
func (c *ctr) runMany(ctx context.Context, ids []string, parallel int) error {
	queue := make(chan string)
	errs := make(chan error, len(ids))
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for id := range queue {
				if err := c.run(ctx, id, true); err != nil {
					errs <- err
				}
			}
		})
	}
	for _, id := range ids {
		queue <- id
	}
	close(queue)
	wg.Wait()
	close(errs)
	return <-errs
}

// close removes what is left of the reference: containers, image and namespace.
func (c *ctr) close(ctx context.Context) {
	for id := range c.made {
		_ = c.do(ctx, "task", "rm", "-f", id)
		_ = c.do(ctx, "container", "rm", id)
	}
	_ = c.do(ctx, "image", "rm", "--sync", payloadImage)
	_ = c.do(ctx, "namespace", "rm", ctrNamespace)
	// runc leaves the parent of its containers' control groups.
	if groups, err := cgroup.Detect(); err == nil {
		_ = groups.Delete("/" + ctrNamespace)
	}
}
