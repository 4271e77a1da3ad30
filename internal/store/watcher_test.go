package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func testReplica() *replica {
	schema, err := newSchema([]AnyTable{pets, keepers})
	if err != nil {
		panic(err)
	}
	return newReplica(schema)
}

// names tells what a table of pets holds, by key.
func names(s *Snapshot) map[string]int {
	m := make(map[string]int)
	for p := range pets.List(s, "") {
		m[petKey(p)] = p.Age
	}
	return m
}

// TestReplicaKeepsOrder feeds random commits to a replica from both sides, the own ones early and in any order, the
// watch late and in portions, and follows it with watchers that listen at random times.
func TestReplicaKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := testReplica()
		s := &Store{replica: r}
		total := rapid.IntRange(1, 60).Draw(t, "commits")
		var revs []revision
		states := []map[string]int{{}}
		for number := int64(1); number <= int64(total); number++ {
			rev, state := randomCommit(t, number, maps.Clone(states[number-1]))
			revs, states = append(revs, rev), append(states, state)
		}
		watchers := []*follower{newFollower(t, s), newFollower(t, s)}
		early := rapid.Permutation(revs).Draw(t, "order")
		watched := 0
		for watched < total {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				upTo := rapid.IntRange(watched, total).Draw(t, "upTo")
				portion := append([]revision(nil), revs[watched:upTo]...)
				if upTo > watched {
					r.advance(portion, int64(upTo))
				}
				watched = upTo
			case 1:
				if len(early) > 0 {
					r.offer(early[0])
					early = early[1:]
				}
			case 2:
				watchers[0].listen()
			case 3:
				watchers[1].listen()
			}
			snap := s.Snapshot()
			if snap.revision < int64(watched) {
				t.Fatalf("at revision %d after the watch delivered %d", snap.revision, watched)
			}
			if got, want := names(snap), states[snap.revision]; !maps.Equal(got, want) {
				t.Fatalf("revision %d: %v, want %v", snap.revision, got, want)
			}
		}
		for _, rev := range early {
			r.offer(rev) // late
		}
		if len(r.early) != 0 {
			t.Fatalf("%d commits are kept for nothing", len(r.early))
		}
		for _, f := range watchers {
			f.listen()
			if !maps.Equal(f.state, states[total]) {
				t.Fatalf("a watcher arrived at %v, want %v", f.state, states[total])
			}
		}
	})
}

func randomCommit(t *rapid.T, number int64, state map[string]int) (revision, map[string]int) {
	rev := revision{number: number}
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		p := pet{Owner: "o", Name: fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "name")), Age: int(number)}
		key := petKey(&p)
		c := change{location: location{0, key}}
		delete(state, key)
		if rapid.Bool().Draw(t, "put") {
			c.entry = &entry{key: key, mod: number, rec: &p}
			state[key] = p.Age
		}
		rev.changes = append(rev.changes, c)
	}
	return rev, state
}

// follower applies what a watcher tells to a state of its own.
type follower struct {
	t     *rapid.T
	w     *Watcher
	state map[string]int
}

func newFollower(t *rapid.T, s *Store) *follower {
	w := s.Watch(pets)
	return &follower{t: t, w: w, state: names(w.Snapshot())}
}

// listen takes a batch if there is one.
func (f *follower) listen() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var b Batch
	for range 20 { // Next chooses at random between a batch and the ended context
		var err error
		if b, err = f.w.Next(ctx); err == nil {
			break
		}
	}
	seen := make(map[string]bool)
	for _, c := range b.Changes {
		if seen[c.Key] {
			f.t.Fatalf("%s changed twice in one batch", c.Key)
		}
		seen[c.Key] = true
		age, had := f.state[c.Key]
		if had != (c.Before != nil) || had && c.Before.(*pet).Age != age {
			f.t.Fatalf("%s was %d (%v) and changed from %v", c.Key, age, had, c.Before)
		}
		if c.Before != nil && c.After != nil && c.After.(*pet).Age == age {
			f.t.Fatalf("%s is said to have changed and has not", c.Key)
		}
		delete(f.state, c.Key)
		switch {
		case c.After != nil:
			f.state[c.Key] = c.After.(*pet).Age
		case c.Before == nil:
			f.t.Fatalf("%s changed from nothing to nothing", c.Key)
		}
	}
	if b.Snapshot != nil && !maps.Equal(names(b.Snapshot), f.state) {
		f.t.Fatalf("batch leads to %v, its snapshot holds %v", f.state, names(b.Snapshot))
	}
}

// TestReplicaHoldsBackWhileLoading commits while a whole new state is being loaded, some of it too late for the state.
func TestReplicaHoldsBackWhileLoading(t *testing.T) {
	r := testReplica()
	w := (&Store{replica: r}).Watch()
	commit := func(number int64) {
		key := fmt.Sprintf("o/%d", number)
		rec := &pet{Owner: "o", Name: fmt.Sprint(number), Age: int(number)}
		r.offer(revision{number, []change{{location{0, key}, &entry{key: key, mod: number, rec: rec}}}})
	}
	commit(1)
	loaded := *r.snapshot()
	r.pause()
	commit(2)
	commit(3)
	if now := r.snapshot().revision; now != 1 {
		t.Fatalf("went on to revision %d while loading", now)
	}
	loaded.tables = slices.Clone(loaded.tables)
	loaded.tables[0] = loaded.tables[0].edit()
	loaded.tables[0].set(pets.def, &entry{key: "o/2", mod: 2, rec: &pet{Owner: "o", Name: "2", Age: 2}})
	loaded.revision = 2
	r.replace(&loaded)
	want := map[string]int{"o/1": 1, "o/2": 2, "o/3": 3}
	if got := r.snapshot(); got.revision != 3 || !maps.Equal(names(got), want) {
		t.Errorf("revision %d: %v", got.revision, names(got))
	}
	b, err := w.Next(t.Context())
	if err != nil || len(b.Changes) != 3 {
		t.Errorf("watcher heard %v, %v", b.Changes, err)
	}
	r.pause()
	commit(4)
	r.resume()
	if now := r.snapshot().revision; now != 4 {
		t.Errorf("at revision %d after a load that failed", now)
	}
}

func TestWatcherMergesChanges(t *testing.T) {
	s := open(t, Config{})
	put(t, s, pet{Owner: "a", Name: "1", Age: 1}, pet{Owner: "a", Name: "2", Age: 1})
	w, everything := s.Watch(pets), s.Watch()
	defer w.Close()
	defer everything.Close()
	for age := range 5 {
		put(t, s, pet{Owner: "a", Name: "1", Age: age + 2})
	}
	put(t, s, pet{Owner: "a", Name: "brief"})
	update(t, s, func(tx *Tx) { pets.Delete(tx, "a/brief") })
	update(t, s, func(tx *Tx) { pets.Delete(tx, "a/2") })
	update(t, s, func(tx *Tx) { keepers.Put(tx, &keeper{Name: "ann"}) })
	b, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Changes) != 2 {
		t.Fatalf("%d changes", len(b.Changes))
	}
	first, second := b.Changes[0], b.Changes[1]
	if first.Key != "a/1" || first.Table != "pets" || first.Before.(*pet).Age != 1 || first.After.(*pet).Age != 6 {
		t.Errorf("first change: %v", first)
	}
	if second.Key != "a/2" || second.Before.(*pet).Age != 1 || second.After != nil {
		t.Errorf("second change: %v", second)
	}
	if b, err = everything.Next(t.Context()); err != nil || len(b.Changes) != 3 {
		t.Errorf("watcher of all tables: %v, %v", b.Changes, err)
	}
}

func TestWatcherForgetsWhatCancelsOut(t *testing.T) {
	r := testReplica()
	w := (&Store{replica: r}).Watch(pets)
	number := int64(0)
	commit := func(key string, e *entry) {
		number++
		r.offer(revision{number, []change{{location{0, key}, e}}})
	}
	commit("o/keep", &entry{key: "o/keep", rec: &pet{Owner: "o", Name: "keep"}})
	for i := range 5000 {
		key := fmt.Sprintf("o/%d", i)
		commit(key, &entry{key: key, rec: &pet{Owner: "o", Name: fmt.Sprint(i)}})
		commit(key, nil)
	}
	if len(w.pending) > 200 {
		t.Errorf("a watcher with one change pending holds %d", len(w.pending))
	}
	b, err := w.Next(t.Context())
	if err != nil || len(b.Changes) != 1 || b.Changes[0].Key != "o/keep" {
		t.Errorf("%v, %v", b.Changes, err)
	}
}

func TestWatcherEnds(t *testing.T) {
	s := open(t, Config{})
	closed, outlived := s.Watch(pets), s.Watch(pets)
	for name, c := range map[string]struct {
		w    *Watcher
		end  func()
		want error
	}{
		"by its Close":       {closed, closed.Close, ErrClosed},
		"by the store's end": {outlived, func() { s.Close() }, ErrClosed},
	} {
		failed := make(chan error)
		go func() {
			_, err := c.w.Next(context.Background())
			failed <- err
		}()
		c.end()
		if err := <-failed; !errors.Is(err, c.want) {
			t.Errorf("ended %s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := open(t, Config{}).Watch(pets)
	defer w.Close()
	if _, err := w.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended by its context: %v", err)
	}
}

func TestChanged(t *testing.T) {
	s := open(t, Config{})
	put(t, s, pet{Owner: "a", Name: "1", Kind: "dog", Tags: []string{"x"}})
	for _, c := range []struct {
		name         string
		index, value string
		do           func(tx *Tx)
		fires        bool
	}{
		{"a new record with the value", "kind", "dog", func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "2", Kind: "dog"}) }, true},
		{"a record changed otherwise", "kind", "dog", func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1", Kind: "dog", Age: 1}) }, true},
		{"a record with another value", "kind", "dog", func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "3", Kind: "cat"}) }, false},
		{"a record that loses the value", "kind", "dog", func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "2", Kind: "cat"}) }, true},
		{"a deletion", "kind", "dog", func(tx *Tx) { pets.Delete(tx, "a/1") }, true},
		{"a key below the prefix", "", "b/", func(tx *Tx) { pets.Put(tx, &pet{Owner: "b", Name: "1"}) }, true},
		{"a key beside the prefix", "", "b/", func(tx *Tx) { pets.Put(tx, &pet{Owner: "bb", Name: "1"}) }, false},
		{"any key", "", "", func(tx *Tx) { pets.Put(tx, &pet{Owner: "c", Name: "1"}) }, true},
		{"another table", "", "", func(tx *Tx) { keepers.Put(tx, &keeper{Name: "ann"}) }, false},
	} {
		before := s.Snapshot()
		early := pets.Changed(before, c.index, c.value)
		if isClosed(early) {
			t.Errorf("%s: fired before anything happened", c.name)
		}
		update(t, s, c.do)
		late := pets.Changed(before, c.index, c.value) // asked for after the fact
		if isClosed(early) != c.fires || isClosed(late) != c.fires {
			t.Errorf("%s: fired %v, and %v when asked later; want %v", c.name, isClosed(early), isClosed(late), c.fires)
		}
	}
	last := pets.Changed(s.Snapshot(), "kind", "nobody")
	s.Close()
	if !isClosed(last) {
		t.Error("the store's end wakes nobody")
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
