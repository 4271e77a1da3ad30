package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestTwoStoresOnOneEtcd(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	a, b := open(t, Config{Endpoints: e.endpoints()}), open(t, Config{Endpoints: e.endpoints()})
	if a.Embedded() {
		t.Error("a store on an external etcd says that it is embedded")
	}
	put(t, a, pet{Owner: "a", Name: "1", Kind: "dog"})
	eventually(t, b, "the other's write", func(r *Snapshot) bool { return pets.Count(r, "kind", "dog") == 1 })

	const rounds = 30
	errs := make(chan error, 4)
	for _, s := range []*Store{a, b, a, b} {
		go func() {
			var err error
			for range rounds {
				err = errors.Join(err, s.Update(t.Context(), increment))
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, s := range []*Store{a, b} {
		eventually(t, s, "all increments", func(r *Snapshot) bool {
			k, _ := keepers.Get(r, "ann")
			return k != nil && k.Pets == 4*rounds
		})
	}
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func increment(tx *Tx) error {
	next := keeper{Name: "ann"}
	if k, ok := keepers.Get(tx, "ann"); ok {
		next = *k
	}
	next.Pets++
	keepers.Put(tx, &next)
	return nil
}

// TestForeignKeys has other users of the same etcd, whose commits use up revisions that this store never hears of.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	a, b := open(t, Config{Endpoints: e.endpoints()}), open(t, Config{Endpoints: e.endpoints()})
	foreign := func() {
		if _, err := a.conn.Put(t.Context(), "/elsewhere", "x"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		foreign()
		put(t, a, pet{Owner: "a", Name: fmt.Sprint(i)})
		if _, ok := pets.Get(a.Snapshot(), Key("a", fmt.Sprint(i))); !ok {
			t.Fatal("a writer does not see its write")
		}
		first := true
		update(t, b, func(tx *Tx) {
			if first {
				first = false
				update(t, a, func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "hot", Age: 2 * i}) })
				foreign() // the refusal names this revision
			}
			pets.Put(tx, &pet{Owner: "a", Name: "hot", Age: 2*i + 1})
		})
	}
}

func TestEtcdIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	s := open(t, Config{Endpoints: e.endpoints()})
	put(t, s, pet{Owner: "a", Name: "1"})
	w := s.Watch(pets)
	defer w.Close()

	e.kill()
	start := time.Now()
	err := s.Update(t.Context(), func(tx *Tx) error { pets.Put(tx, &pet{Owner: "a", Name: "2"}); return nil })
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("write without etcd: %v", err)
	}
	t.Logf("refused after %v", time.Since(start))
	if err := s.Check(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("check without etcd: %v", err)
	}
	if got := keys(pets.List(s.Snapshot(), "")); got != "a/1" {
		t.Errorf("read without etcd: %q", got)
	}

	e.start()
	other := open(t, Config{Endpoints: e.endpoints()})
	put(t, other, pet{Owner: "a", Name: "3"})
	eventually(t, s, "the other's write", func(r *Snapshot) bool { _, ok := pets.Get(r, "a/3"); return ok })
	put(t, s, pet{Owner: "a", Name: "4"})
	if got := replay(t, w, "a/4"); got != "+a/3 +a/4" {
		t.Errorf("watcher heard %q", got)
	}
}

// replay reads batches until the key was added and tells all changes.
func replay(t *testing.T, w *Watcher, until string) (heard string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		b, err := w.Next(ctx)
		if err != nil {
			t.Fatalf("after %q: %v", heard, err)
		}
		for _, c := range b.Changes {
			sign := "~"
			switch {
			case c.Before == nil:
				sign = "+"
			case c.After == nil:
				sign = "-"
			}
			if heard != "" {
				heard += " "
			}
			heard += sign + c.Key
			if c.Key == until && c.After != nil {
				return heard
			}
		}
	}
}

// TestLostAnswer commits over a line that loses the answer, and expects that the update, which must try again,
// finds out that it has already happened.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	line := newRelay(t, e)
	s, witness := open(t, Config{Endpoints: line.endpoints()}), open(t, Config{Endpoints: e.endpoints()})
	update(t, s, func(tx *Tx) { keepers.Put(tx, &keeper{Name: "ann"}) })
	for round := 1; round <= 3; round++ {
		line.muted.Store(true)
		done := make(chan error)
		go func() { done <- s.Update(t.Context(), increment) }()
		eventually(t, witness, "the commit", func(r *Snapshot) bool {
			k, _ := keepers.Get(r, "ann")
			return k != nil && k.Pets == round
		})
		line.cut()
		line.muted.Store(false)
		if round == 2 { // someone else is next, while the line is dead
			update(t, witness, func(tx *Tx) { keepers.Put(tx, &keeper{Name: "ann", Pets: round}) })
		}
		line.mend()
		if err := <-done; err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if k, _ := keepers.Get(s.Snapshot(), "ann"); k.Pets != round {
			t.Fatalf("round %d: %d increments", round, k.Pets)
		}
	}
}

// TestEtcdHalts has a commit wait for an etcd that does not answer for longer than one sending lasts.
func TestEtcdHalts(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	s := open(t, Config{Endpoints: e.endpoints()})
	e.signal(syscall.SIGSTOP)
	resume := time.AfterFunc(sendTimeout+time.Second, func() { e.signal(syscall.SIGCONT) })
	defer resume.Stop()
	update(t, s, func(tx *Tx) {
		if err := increment(tx); err != nil {
			t.Error(err)
		}
	})
	if k, _ := keepers.Get(s.Snapshot(), "ann"); k.Pets != 1 {
		t.Errorf("%d increments", k.Pets)
	}
}

// TestHistoryIsCompactedAway cuts a store off, changes and compacts behind its back, and expects the net changes.
func TestHistoryIsCompactedAway(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	line := newRelay(t, e)
	a, b := open(t, Config{Endpoints: e.endpoints()}), open(t, Config{Endpoints: line.endpoints()})
	put(t, a, pet{Owner: "a", Name: "gone"}, pet{Owner: "a", Name: "kept"}, pet{Owner: "a", Name: "older", Age: 1})
	eventually(t, b, "the first records", func(r *Snapshot) bool { _, ok := pets.Get(r, "a/older"); return ok })
	w := b.Watch()
	defer w.Close()

	line.cut()
	update(t, a, func(tx *Tx) {
		pets.Delete(tx, "a/gone")
		pets.Put(tx, &pet{Owner: "a", Name: "older", Age: 2})
		pets.Put(tx, &pet{Owner: "a", Name: "brief"})
	})
	update(t, a, func(tx *Tx) { pets.Delete(tx, "a/brief") })
	put(t, a, pet{Owner: "a", Name: "new"})
	if _, err := a.conn.Compact(t.Context(), a.Snapshot().Revision(), clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	line.mend()

	eventually(t, b, "the new record", func(r *Snapshot) bool { _, ok := pets.Get(r, "a/new"); return ok })
	if b.resyncs.Load() != 1 {
		t.Errorf("loaded anew %d times", b.resyncs.Load())
	}
	if got := keys(pets.List(b.Snapshot(), "")); got != "a/kept a/new a/older" {
		t.Errorf("after the gap: %s", got)
	}
	put(t, b, pet{Owner: "z", Name: "last"})
	if got := replay(t, w, "z/last"); got != "-a/gone +a/new ~a/older +z/last" {
		t.Errorf("watcher heard %q", got)
	}
}

// TestEtcdIsRestored replaces etcd's data by older data, as restoring a backup does.
func TestEtcdIsRestored(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	s := open(t, Config{Endpoints: e.endpoints()})
	put(t, s, pet{Owner: "a", Name: "1"}, pet{Owner: "a", Name: "2"})
	put(t, s, pet{Owner: "a", Name: "3"})
	e.kill()
	if err := os.RemoveAll(e.dir + "/data"); err != nil {
		t.Fatal(err)
	}
	e.start()
	eventually(t, s, "the loss of all records", func(r *Snapshot) bool { return keys(pets.List(r, "")) == "" })
	put(t, s, pet{Owner: "b", Name: "1"})
	if got := keys(pets.List(s.Snapshot(), "")); got != "b/1" {
		t.Errorf("after the restoration: %s", got)
	}
}
