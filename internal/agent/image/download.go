package image

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// errInactive is the cause of a pull that was given up because nothing came.
// The text is the ECS agent's.
var errInactive = errors.New("inactivity time exceeded timeout while pulling image")

// pinned is a resolver that has its answer already, and counts what is fetched.
type pinned struct {
	remotes.Resolver
	name     string
	desc     ocispec.Descriptor
	progress *progress
}

// Resolve gives the pinned answer.
func (p *pinned) Resolve(context.Context, string) (string, ocispec.Descriptor, error) {
	return p.name, p.desc, nil
}

// Fetcher counts the bytes of the real one.
func (p *pinned) Fetcher(ctx context.Context, ref string) (remotes.Fetcher, error) {
	f, err := p.Resolver.Fetcher(ctx, ref)
	if err != nil {
		return nil, err
	}
	return remotes.FetcherFunc(func(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
		p.progress.open.Add(1)
		rc, err := f.Fetch(ctx, desc)
		if err != nil {
			p.progress.open.Add(-1)
			return nil, err
		}
		return p.progress.count(rc), nil
	}), nil
}

// progress sums the received bytes of one pull.
type progress struct {
	bytes  atomic.Int64
	open   atomic.Int64 // downloads that are asked for and not at their end
	report func(bytes int64)
}

func (p *progress) count(rc io.ReadCloser) io.ReadCloser {
	c := &counted{ReadCloser: rc, p: p}
	// containerd resumes an interrupted blob only if its reader can seek.
	if s, ok := rc.(io.Seeker); ok {
		return struct {
			*counted
			io.Seeker
		}{c, s}
	}
	return c
}

type counted struct {
	io.ReadCloser
	p     *progress
	ended atomic.Bool
}

func (c *counted) end() {
	if !c.ended.Swap(true) {
		c.p.open.Add(-1)
	}
}

// Close ends the download.
func (c *counted) Close() error {
	c.end()
	return c.ReadCloser.Close()
}

// Read counts what the wrapped reader gave.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	if errors.Is(err, io.EOF) {
		c.end()
	}
	if n > 0 {
		total := c.p.bytes.Add(int64(n))
		if c.p.report != nil {
			c.p.report(total)
		}
	}
	return n, err
}

// watch runs work and cancels it when it waited the given time for a byte. While
// nothing is being downloaded it is unpacked, which takes as long as it takes.
func (p *progress) watch(ctx context.Context, limit time.Duration, work func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	tick := time.NewTicker(limit)
	defer tick.Stop()
	for last := int64(-1); ; {
		select {
		case err := <-done:
			if cause := context.Cause(ctx); err != nil && errors.Is(cause, errInactive) {
				return cause
			}
			return err
		case <-tick.C:
			now := p.bytes.Load()
			if now == last && p.open.Load() > 0 {
				cancel(errInactive)
			}
			last = now
		}
	}
}
