package ecs

import (
	"testing"
	"time"

	"github.com/slipway/slipway/internal/store"
)

func TestConnectionsNumbersOnlyGrow(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	first := nextSequence(0, now)
	for name, next := range map[string]int64{
		"another server whose clock is behind":     nextSequence(first, now.Add(-time.Hour)),
		"at the same moment":                       nextSequence(first, now),
		"a server without a clock":                 nextSequence(first, time.Unix(0, 0)),
		"a store put back from before any connect": nextSequence(0, now.Add(time.Second)),
	} {
		if next <= first {
			t.Errorf("%s begins with %d after %d", name, next, first)
		}
	}
	if far := nextSequence(0, now.AddDate(80, 0, 0)); far >= 1<<53 {
		t.Errorf("%d cannot be held by every JSON reader", far)
	}
}

func TestEachConnectHasNumbersOfItsOwn(t *testing.T) {
	r := newTaskRoom(t)
	id := r.instances(1)[0]
	last := int64(0)
	for range 3 {
		if err := r.ConnectAgent(t.Context(), r.s, "default", id, AgentConnection{ID: "s/1"}); err != nil {
			t.Fatal(err)
		}
		inst, _ := Instances.Get(r.st.Snapshot(), r.s.Key("default", id))
		if inst.Sequence < last+perConnection {
			t.Errorf("begins with %d after %d", inst.Sequence, last)
		}
		last = inst.Sequence
		r.put(func(tx *store.Tx) { // as a re-registration does
			next := *inst
			next.AgentConnected, next.Connection = false, ""
			Instances.Put(tx, &next)
		})
	}
}
