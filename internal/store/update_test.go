package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// interrupted runs an update in whose first attempt, after fn, something else is committed. It tells how often fn ran.
func interrupted(t *testing.T, s *Store, fn func(tx *Tx), meanwhile func(tx *Tx)) (attempts int) {
	t.Helper()
	update(t, s, func(tx *Tx) {
		attempts++
		fn(tx)
		if attempts == 1 {
			update(t, s, meanwhile)
		}
	})
	return attempts
}

func TestGuards(t *testing.T) {
	write := func(tx *Tx) { keepers.Put(tx, &keeper{Name: "result"}) }
	for _, c := range []struct {
		name      string
		fn        func(tx *Tx)
		meanwhile func(tx *Tx)
		attempts  int
	}{
		{"a key that was read changes", func(tx *Tx) { pets.Get(tx, "a/1") },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1", Age: 7}) }, 2},
		{"a key that was read is deleted", func(tx *Tx) { pets.Get(tx, "a/1") }, func(tx *Tx) { pets.Delete(tx, "a/1") }, 2},
		{"a key that was read as absent appears", func(tx *Tx) { pets.Get(tx, "a/9") },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "9"}) }, 2},
		{"a key that is written changes", func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1"}) },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1", Age: 7}) }, 2},
		{"a key that is deleted changes", func(tx *Tx) { pets.Delete(tx, "a/1") },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1", Age: 7}) }, 2},
		{"another key changes", func(tx *Tx) { pets.Get(tx, "a/1") }, func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "2"}) }, 1},
		{"a key that was listed changes", func(tx *Tx) { keys(pets.List(tx, "a/")) },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1", Age: 7}) }, 1},
		{"a key appears below a guarded prefix", func(tx *Tx) { pets.GuardPrefix(tx, "a/") },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "9"}) }, 2},
		{"a key below a guarded prefix changes", func(tx *Tx) { pets.GuardPrefix(tx, "a/") },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "a", Name: "1", Age: 7}) }, 2},
		{"a key below a guarded prefix is deleted", func(tx *Tx) { pets.GuardPrefix(tx, "a/") },
			func(tx *Tx) { pets.Delete(tx, "a/2") }, 2},
		{"a key beside a guarded prefix appears", func(tx *Tx) { pets.GuardPrefix(tx, "a/") },
			func(tx *Tx) { pets.Put(tx, &pet{Owner: "aa", Name: "1"}) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, Config{})
			put(t, s, pet{Owner: "a", Name: "1"}, pet{Owner: "a", Name: "2"})
			got := interrupted(t, s, func(tx *Tx) { c.fn(tx); write(tx) }, c.meanwhile)
			if got != c.attempts {
				t.Errorf("%d attempts, want %d", got, c.attempts)
			}
			if _, ok := keepers.Get(s.Snapshot(), "result"); !ok {
				t.Error("nothing was committed")
			}
		})
	}
}

func TestTxIsDeadAfterwards(t *testing.T) {
	s := open(t, Config{})
	var kept *Tx
	update(t, s, func(tx *Tx) { kept = tx })
	defer func() {
		if recover() == nil {
			t.Error("a Tx works after its function has returned")
		}
	}()
	pets.Get(kept, "a/1")
}

func TestRecordsAreNotSharedWithTheirWriter(t *testing.T) {
	s := open(t, Config{})
	mine := &pet{Owner: "a", Name: "1", Tags: []string{"x"}}
	update(t, s, func(tx *Tx) { pets.Put(tx, mine) })
	mine.Tags[0] = "y"
	if p, _ := pets.Get(s.Snapshot(), "a/1"); p.Tags[0] != "x" {
		t.Error("changing a record after Put changed what others read")
	}
}

// TestConflictsOnManyKeys moves amounts between records from several goroutines: the sum never changes, in no snapshot.
func TestConflictsOnManyKeys(t *testing.T) {
	s := open(t, Config{})
	const keepersTotal, each, clients, rounds = 6, 100, 6, 40
	update(t, s, func(tx *Tx) {
		for i := range keepersTotal {
			keepers.Put(tx, &keeper{Name: fmt.Sprint(i), Pets: each})
		}
	})
	sum := func(r Reader) (sum int) {
		for k := range keepers.List(r, "") {
			sum += k.Pets
		}
		return sum
	}
	errs := make(chan error, clients)
	for client := range clients {
		go func() {
			var err error
			for round := range rounds {
				from, to := fmt.Sprint((client+round)%keepersTotal), fmt.Sprint((client*round+1)%keepersTotal)
				err = errors.Join(err, s.Update(t.Context(), func(tx *Tx) error { return move(tx, from, to) }))
				if got := sum(s.Snapshot()); got != keepersTotal*each {
					err = errors.Join(err, fmt.Errorf("sum is %d", got))
				}
			}
			errs <- err
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if len(s.intents.keys) != 0 {
		t.Errorf("%d keys are still claimed", len(s.intents.keys))
	}
}

func move(tx *Tx, from, to string) error {
	for name, by := range map[string]int{from: -1, to: 1} {
		k, ok := keepers.Get(tx, name)
		if !ok {
			return errors.New("keeper is gone")
		}
		next := *k
		next.Pets += by
		if from != to {
			keepers.Put(tx, &next)
		}
	}
	return nil
}

// TestEndedContextLeavesTheLine has an update give up while it waits for another commit on its key.
func TestEndedContextLeavesTheLine(t *testing.T) {
	s := open(t, Config{})
	blocker := newTx(s.Snapshot())
	keepers.Put(blocker, &keeper{Name: "ann"})
	release, _, err := s.intents.claim(blocker, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp, waited := make(chan error), make(chan error)
	go func() { gaveUp <- s.Update(ctx, increment) }()
	go func() { waited <- s.Update(t.Context(), increment) }()
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("update with an ended context: %v", err)
	}
	release()
	if err := <-waited; err != nil {
		t.Errorf("update behind it: %v", err)
	}
	if k, _ := keepers.Get(s.Snapshot(), "ann"); k == nil || k.Pets != 1 {
		t.Errorf("%v", k)
	}
}

// TestStoreAgreesWithModel runs random histories on one store, each under an owner of its own.
func TestStoreAgreesWithModel(t *testing.T) {
	s := open(t, Config{})
	history := 0
	rapid.Check(t, func(rt *rapid.T) {
		history++
		owner := fmt.Sprintf("h%d", history)
		model := make(map[string]pet)
		for range rapid.IntRange(1, 6).Draw(rt, "updates") {
			err := s.Update(t.Context(), func(tx *Tx) error {
				next := maps.Clone(model)
				for range rapid.IntRange(1, 5).Draw(rt, "writes") {
					randomWrite(rt, tx, owner, next)
				}
				compare(rt, tx, owner, next)
				if rapid.IntRange(0, 4).Draw(rt, "abort") == 0 {
					return errAborted
				}
				model = next
				return nil
			})
			if err != nil && !errors.Is(err, errAborted) {
				rt.Fatal(err)
			}
			compare(rt, s.Snapshot(), owner, model)
		}
	})
}

var errAborted = errors.New("aborted")

func randomWrite(t *rapid.T, tx *Tx, owner string, model map[string]pet) {
	p := pet{
		Owner: owner,
		Name:  rapid.StringMatching(`[ab/%]{1,2}`).Draw(t, "name"),
		Kind:  owner + rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "kind"),
		Tags:  rapid.SliceOfN(rapid.SampledFrom([]string{owner + "t", owner + "u"}), 0, 3).Draw(t, "tags"),
	}
	if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
		pets.Delete(tx, petKey(&p))
		delete(model, petKey(&p))
		return
	}
	pets.Put(tx, &p)
	model[petKey(&p)] = p
}

func compare(t *rapid.T, r Reader, owner string, model map[string]pet) {
	all := slices.Sorted(maps.Keys(model))
	expect := func(what, got string, match func(pet) bool) {
		var want []string
		for _, key := range all {
			if match(model[key]) {
				want = append(want, key)
			}
		}
		if got != strings.Join(want, " ") {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
	expect("List", keys(pets.List(r, owner+"/")), func(pet) bool { return true })
	after := owner + "/" + rapid.StringMatching(`[ab%]?`).Draw(t, "after")
	expect("ListAfter "+after, keys(pets.ListAfter(r, owner+"/", after)), func(p pet) bool { return petKey(&p) > after })
	for _, kind := range []string{owner, owner + "x"} {
		isKind := func(p pet) bool { return p.Kind == kind }
		expect("By kind "+kind, keys(pets.By(r, "kind", kind)), isKind)
		expect("ByAfter kind "+kind, keys(pets.ByAfter(r, "kind", kind, after)),
			func(p pet) bool { return isKind(p) && petKey(&p) > after })
	}
	hasTag := func(p pet) bool { return slices.Contains(p.Tags, owner+"t") }
	tagged := keys(pets.By(r, "tag", owner+"t"))
	expect("By tag", tagged, hasTag)
	if n := pets.Count(r, "tag", owner+"t"); n != len(strings.Fields(tagged)) {
		t.Fatalf("Count = %d, By has %q", n, tagged)
	}
}
