package servicetasks

import (
	"sync"
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

// Waits of a service whose tasks found no room, if nothing changes.
const (
	firstWait = time.Second
	lastWait  = time.Minute
)

// waiting remembers the services whose tasks found no room. It is lost with the
// process: the next one finds out by trying.
type waiting struct {
	mu       sync.Mutex
	services map[string]*blocked // by service key
}

type blocked struct {
	cluster string // key of the cluster whose capacity it waits for
	rounds  int
}

// block notes that a service found no room, and says when to try again.
func (w *waiting) block(s *ecs.Service) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.services[s.Key()]
	if b == nil {
		b = &blocked{cluster: s.Scope.Key(s.Cluster)}
		w.services[s.Key()] = b
	}
	b.rounds++
	return min(firstWait<<min(b.rounds-1, 10), lastWait)
}

func (w *waiting) forget(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.services, key)
}

func (w *waiting) isBlocked(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.services[key] != nil
}

// in returns the services that wait for capacity of a cluster.
func (w *waiting) in(cluster string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var keys []string
	for key, b := range w.services {
		if b.cluster == cluster {
			keys = append(keys, key)
		}
	}
	return keys
}
