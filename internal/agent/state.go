package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/journal"
)

// The journal's values that are the agent's own.
const (
	group       = "agent"
	keyInstance = "instance"
	keyManifest = "manifest"
)

// registered is the registration that an earlier agent got.
type registered struct {
	ContainerInstanceARN string
	Cluster              string
	InstanceID           string
}

// errOtherCluster is a state directory of an instance of another cluster.
var errOtherCluster = errors.New("the data directory belongs to an instance of another cluster")

// loadRegistered reads the last registration. One of another instance is void,
// with all tasks of it; one in another cluster is a mistake that only a person
// can settle.
func loadRegistered(ctx context.Context, j *journal.Journal, cfg Config) (registered, error) {
	var r registered
	value, err := j.Get(group, keyInstance)
	if err != nil {
		return r, fmt.Errorf("read registration: %w", err)
	}
	if value == nil {
		return r, nil
	}
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("read registration: %w", err)
	}
	switch {
	case r.InstanceID != cfg.InstanceID:
		return registered{}, engine.Discard(ctx, j)
	case r.Cluster != cfg.Cluster:
		return r, fmt.Errorf("%w: %s, not %s", errOtherCluster, r.Cluster, cfg.Cluster)
	}
	return r, nil
}

func saveRegistered(j *journal.Journal, r registered) (journal.Wait, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write registration: %w", err)
	}
	return j.Put(group, keyInstance, value), nil
}

// marks keeps the number of the last task manifest in the journal.
type marks struct {
	journal *journal.Journal

	mu sync.Mutex
	n  int64
}

// loadMarks starts at -1: no manifest was seen.
func loadMarks(j *journal.Journal) (*marks, error) {
	m := &marks{journal: j, n: -1}
	value, err := j.Get(group, keyManifest)
	if err == nil && value != nil {
		err = json.Unmarshal(value, &m.n)
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest number: %w", err)
	}
	return m, nil
}

// Mark implements link.Marks.
func (m *marks) Mark() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

// SetMark implements link.Marks. That it is on disk is not waited for: a manifest
// that is taken twice does no harm.
func (m *marks) SetMark(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n = n
	m.journal.Put(group, keyManifest, fmt.Append(nil, n))
}
