package store

import (
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// relay is a line to an etcd process that can be cut, or made to lose the answers.
type relay struct {
	muted  atomic.Bool // what etcd says is lost
	t      testing.TB
	path   string
	target string
	work   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
}

func newRelay(t testing.TB, e *etcd) *relay {
	r := &relay{t: t, path: filepath.Join(e.dir, "relay.sock"), target: filepath.Join(e.dir, "client.sock")}
	r.mend()
	t.Cleanup(func() {
		r.cut()
		r.work.Wait()
	})
	return r
}

func (r *relay) endpoints() []string { return []string{"unix://" + r.path} }

func (r *relay) mend() {
	listener, err := net.Listen("unix", r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener, r.conns = listener, make(map[net.Conn]bool)
	r.work.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			r.connect(listener, near)
		}
	})
}

func (r *relay) connect(listener net.Listener, near net.Conn) {
	far, err := net.Dial("unix", r.target)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || r.listener != listener {
		near.Close()
		if err == nil {
			far.Close()
		}
		return
	}
	r.conns[near], r.conns[far] = true, true
	r.work.Go(func() {
		io.Copy(far, near)
		far.Close()
	})
	r.work.Go(func() {
		io.Copy(answers{r, near}, far)
		near.Close()
	})
}

// answers passes on what etcd says unless the relay is muted.
type answers struct {
	relay *relay
	to    net.Conn
}

func (a answers) Write(p []byte) (int, error) {
	if a.relay.muted.Load() {
		return len(p), nil
	}
	return a.to.Write(p)
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener == nil {
		return
	}
	r.listener.Close()
	r.listener = nil
	for c := range r.conns {
		c.Close()
	}
}
