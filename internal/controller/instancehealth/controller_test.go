package instancehealth

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var scope = ecs.Scope{Account: "123456789012", Region: "eu-central-1"}

func newRoom(t *testing.T) (*store.Store, *ecs.Room) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		for id, connection := range map[string]string{"a": "one/1", "b": "two/1", "c": "one/2"} {
			ecs.Instances.Put(tx, &ecs.ContainerInstance{
				Scope: scope, Cluster: "default", ID: id, Status: ecs.StatusActive, AgentConnected: true, Connection: connection,
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return st, ecs.New(st, ecs.Config{})
}

func connected(st *store.Store) string {
	var ids string
	for i := range ecs.Instances.List(st.Snapshot(), "") {
		if i.AgentConnected {
			ids += i.ID
		}
	}
	return ids
}

func TestSilentServerLosesItsAgents(t *testing.T) {
	st, room := newRoom(t)
	c := New(st, room, slog.New(slog.DiscardHandler))
	c.seen["one"], c.seen["two"] = time.Now().Add(-Gone), time.Now().Add(-Gone/2)
	for id, stays := range map[string]bool{"one": false, "two": true} {
		after, err := c.Reconcile(t.Context(), id)
		if err != nil || (after > 0) != stays {
			t.Errorf("server %s: look again after %v, error %v", id, after, err)
		}
	}
	if got := connected(st); got != "b" {
		t.Errorf("connected are %q, want the agent of server two", got)
	}
}

func TestServersAreFollowed(t *testing.T) {
	st, room := newRoom(t)
	c := New(st, room, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	keys := make(chan string, 100)
	var work sync.WaitGroup
	work.Go(func() { _ = c.follow(ctx, func(key string) { keys <- key }) }) // ends with ctx
	heard := map[string]bool{}
	for len(heard) < 2 { // those that hold connections
		heard[<-keys] = true
	}
	if err := room.AnnounceServer(ctx, "three"); err != nil {
		t.Fatal(err)
	}
	for !heard["three"] {
		heard[<-keys] = true
	}
	cancel()
	work.Wait()
}

// signs counts signs of life.
type signs struct{ given, taken int }

func (s *signs) AnnounceServer(context.Context, string) error { s.given++; return nil }
func (s *signs) ForgetServer(context.Context, string) error   { s.taken++; return nil }

func TestAnnounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*Every+time.Second)
		defer cancel()
		var s signs
		Announce(ctx, &s, "one", slog.New(slog.DiscardHandler))
		if s.given != 3 || s.taken != 1 {
			t.Errorf("%d signs given and %d taken away, want 3 and 1", s.given, s.taken)
		}
	})
}
