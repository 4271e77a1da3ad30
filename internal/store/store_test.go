package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pet is the record of most tests.
type pet struct {
	Owner string   `json:"owner"`
	Name  string   `json:"name"`
	Kind  string   `json:"kind,omitempty"`
	Tags  []string `json:"tags,omitempty"`
	Age   int      `json:"age,omitzero"`
	Note  string   `json:"note,omitempty"`
}

func petKey(p *pet) string { return Key(p.Owner, p.Name) }

var pets = NewTable(Spec[pet]{
	Name: "pets",
	Key:  petKey,
	Indexes: []Index[pet]{
		{Name: "kind", Keys: func(p *pet) []string {
			if p.Kind == "" {
				return nil
			}
			return []string{p.Kind}
		}},
		{Name: "tag", Keys: func(p *pet) []string { return p.Tags }},
	},
})

// keeper is the record of a second table.
type keeper struct {
	Name string `json:"name"`
	Pets int    `json:"pets"`
}

var keepers = NewTable(Spec[keeper]{Name: "keepers", Key: func(k *keeper) string { return k.Name }})

// open opens an embedded store that is closed with the test.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Dir == "" && len(cfg.Endpoints) == 0 {
		cfg.Dir = t.TempDir()
	}
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := Open(context.Background(), cfg, pets, keepers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func update(t testing.TB, s *Store, fn func(tx *Tx)) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx *Tx) error { fn(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, s *Store, ps ...pet) {
	t.Helper()
	update(t, s, func(tx *Tx) {
		for _, p := range ps {
			pets.Put(tx, &p)
		}
	})
}

func keys(seq iter.Seq[*pet]) string {
	var list []string
	for p := range seq {
		list = append(list, petKey(p))
	}
	return strings.Join(list, " ")
}

func TestReads(t *testing.T) {
	s := open(t, Config{})
	put(t, s,
		pet{Owner: "ann", Name: "rex", Kind: "dog", Tags: []string{"big", "old"}},
		pet{Owner: "ann", Name: "tom", Kind: "cat", Tags: []string{"old"}},
		pet{Owner: "bob", Name: "fido", Kind: "dog"},
		pet{Owner: "bob/eve", Name: "ada", Kind: "doggy"},
		pet{Owner: "bo", Name: "nemo"},
	)
	readers := map[string]func(use func(Reader)){
		"snapshot": func(use func(Reader)) { use(s.Snapshot()) },
		"tx":       func(use func(Reader)) { update(t, s, func(tx *Tx) { use(tx) }) },
	}
	for name, with := range readers {
		with(func(r Reader) {
			for _, c := range []struct {
				what string
				got  string
				want string
			}{
				{"everything", keys(pets.List(r, "")), "ann/rex ann/tom bo/nemo bob%2Feve/ada bob/fido"},
				{"prefix", keys(pets.List(r, "bob/")), "bob/fido"},
				{"prefix without records", keys(pets.List(r, "zoe/")), ""},
				{"after a key", keys(pets.ListAfter(r, "ann/", "ann/rex")), "ann/tom"},
				{"after a key that is not there", keys(pets.ListAfter(r, "", "b")), "bo/nemo bob%2Feve/ada bob/fido"},
				{"after the last", keys(pets.ListAfter(r, "ann/", "ann/tom")), ""},
				{"index", keys(pets.By(r, "kind", "dog")), "ann/rex bob/fido"},
				{"index value that is a prefix", keys(pets.By(r, "kind", "do")), ""},
				{"index after", keys(pets.ByAfter(r, "kind", "dog", "ann/rex")), "bob/fido"},
				{"index with several values", keys(pets.By(r, "tag", "old")), "ann/rex ann/tom"},
				{"index value of one record among several", keys(pets.By(r, "tag", "big")), "ann/rex"},
				{"counts", fmt.Sprint(pets.Count(r, "kind", "dog"), pets.Count(r, "kind", "do"), pets.Count(r, "tag", "old")), "2 0 2"},
			} {
				if c.got != c.want {
					t.Errorf("%s, %s: %q, want %q", name, c.what, c.got, c.want)
				}
			}
			if p, ok := pets.Get(r, Key("bob/eve", "ada")); !ok || p.Kind != "doggy" {
				t.Errorf("%s: Get = %v, %v", name, p, ok)
			}
			if _, ok := pets.Get(r, "ann"); ok {
				t.Errorf("%s: Get found a record by a prefix of its key", name)
			}
		})
	}
}

func TestTxSeesItsOwnWrites(t *testing.T) {
	s := open(t, Config{})
	put(t, s, pet{Owner: "a", Name: "1", Kind: "dog"}, pet{Owner: "a", Name: "3", Kind: "dog"}, pet{Owner: "a", Name: "5", Kind: "cat"})
	before := s.Snapshot()
	update(t, s, func(tx *Tx) {
		pets.Put(tx, &pet{Owner: "a", Name: "2", Kind: "dog"})
		pets.Put(tx, &pet{Owner: "a", Name: "5", Kind: "dog"})
		pets.Delete(tx, "a/3")
		pets.Delete(tx, "a/absent")
		if _, ok := pets.Get(tx, "a/3"); ok {
			t.Error("a deleted record is still there")
		}
		if got := keys(pets.List(tx, "a/")); got != "a/1 a/2 a/5" {
			t.Errorf("List: %s", got)
		}
		if got := keys(pets.By(tx, "kind", "dog")); got != "a/1 a/2 a/5" || pets.Count(tx, "kind", "dog") != 3 {
			t.Errorf("By: %s, Count %d", got, pets.Count(tx, "kind", "dog"))
		}
		if got := keys(pets.ByAfter(tx, "kind", "dog", "a/1")); got != "a/2 a/5" || pets.Count(tx, "kind", "cat") != 0 {
			t.Errorf("ByAfter: %s, cats %d", got, pets.Count(tx, "kind", "cat"))
		}
	})
	if got := keys(pets.By(s.Snapshot(), "kind", "dog")); got != "a/1 a/2 a/5" {
		t.Errorf("after the commit: %s", got)
	}
	if got := keys(pets.By(before, "kind", "dog")); got != "a/1 a/3" {
		t.Errorf("the earlier snapshot changed: %s", got)
	}
}

func TestUpdateWithoutEffect(t *testing.T) {
	s := open(t, Config{})
	put(t, s, pet{Owner: "a", Name: "1"})
	before := s.Snapshot().Revision()
	wanted := errors.New("no")
	err := s.Update(t.Context(), func(tx *Tx) error {
		pets.Delete(tx, "a/1")
		return wanted
	})
	if !errors.Is(err, wanted) {
		t.Errorf("error of fn came back as %v", err)
	}
	update(t, s, func(tx *Tx) { pets.Get(tx, "a/1") })
	if now := s.Snapshot().Revision(); now != before {
		t.Errorf("revision went from %d to %d without a commit", before, now)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = s.Update(ctx, func(tx *Tx) error { pets.Delete(tx, "a/1"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("update with an ended context: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	s := open(t, Config{})
	many := func(tx *Tx) {
		for i := range maxTxnOps + 1 {
			pets.Put(tx, &pet{Owner: "a", Name: fmt.Sprint(i)})
		}
	}
	for name, c := range map[string]struct {
		fn   func(tx *Tx)
		want error
		text string
	}{
		"too many operations": {many, ErrTooLarge, "4097 keys"},
		"too many bytes": {func(tx *Tx) {
			pets.Put(tx, &pet{Owner: "a", Name: "1", Kind: strings.Repeat("x", maxRequestBytes)})
		}, ErrTooLarge, "bytes"},
		"an empty key": {func(tx *Tx) { pets.Delete(tx, "") }, nil, "bad key"},
	} {
		err := s.Update(t.Context(), func(tx *Tx) error { c.fn(tx); return nil })
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := keys(pets.List(s.Snapshot(), "")); got != "" {
		t.Errorf("a refused update wrote %s", got)
	}
}

func TestLargestTransaction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	update(t, s, func(tx *Tx) {
		for i := range maxTxnOps {
			pets.Put(tx, &pet{Owner: "a", Name: fmt.Sprint(i), Kind: "dog"})
		}
	})
	if n := pets.Count(s.Snapshot(), "kind", "dog"); n != maxTxnOps {
		t.Errorf("%d records", n)
	}
	for i := range 3 {
		put(t, s, pet{Owner: "b", Name: fmt.Sprint(i), Note: strings.Repeat("x", 15<<20)})
	}
	s.Close()
	s = open(t, Config{Dir: dir})
	if p, ok := pets.Get(s.Snapshot(), "b/2"); !ok || len(p.Note) != 15<<20 {
		t.Error("the largest record is gone after reopening")
	}
}

func TestConcurrentIncrements(t *testing.T) {
	s := open(t, Config{})
	const clients, rounds = 8, 25
	errs := make(chan error, clients)
	for range clients {
		go func() {
			var err error
			for range rounds {
				err = errors.Join(err, s.Update(t.Context(), func(tx *Tx) error {
					k, _ := keepers.Get(tx, "ann")
					next := keeper{Name: "ann"}
					if k != nil {
						next = *k
					}
					next.Pets++
					keepers.Put(tx, &next)
					return nil
				}))
			}
			errs <- err
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if k, _ := keepers.Get(s.Snapshot(), "ann"); k.Pets != clients*rounds {
		t.Errorf("%d increments, want %d", k.Pets, clients*rounds)
	}
}

func TestKeysOfAnyParts(t *testing.T) {
	s := open(t, Config{})
	var all []pet
	for _, owner := range []string{"a", "a/b", "a%2Fb", "a\x00", "a%00", "\x00", "", "é", "a\nb", strings.Repeat("x", 1<<16)} {
		all = append(all, pet{Owner: owner, Name: "1"})
	}
	put(t, s, all...)
	for _, p := range all {
		if got, ok := pets.Get(s.Snapshot(), Key(p.Owner, "1")); !ok || got.Owner != p.Owner {
			t.Errorf("the record of %.20q is %.60v", p.Owner, got)
		}
	}
}

// A transaction that only deletes what is not there changes nothing in etcd and
// gets no revision. It must not take the place of a commit beside it.
func TestDeletionsOfNothingHideNoCommit(t *testing.T) {
	s := open(t, Config{})
	stop := make(chan struct{})
	var deleting sync.WaitGroup
	for i := range 4 {
		deleting.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := s.Update(t.Context(), func(tx *Tx) error {
					pets.Put(tx, &pet{Owner: "nobody", Name: strconv.Itoa(i)})
					pets.Delete(tx, Key("nobody", strconv.Itoa(i)))
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 200 {
		p := pet{Owner: "ann", Name: strconv.Itoa(i)}
		put(t, s, p)
		if _, ok := pets.Get(s.Snapshot(), petKey(&p)); !ok {
			t.Errorf("acknowledged record %d is not there", i)
			break
		}
	}
	close(stop)
	deleting.Wait()
	if n := keys(pets.List(s.Snapshot(), "nobody/")); n != "" {
		t.Errorf("written and deleted in one transaction, and there: %s", n)
	}
}

func TestReopenKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	put(t, s, pet{Owner: "a", Name: "1", Kind: "dog"}, pet{Owner: "a", Name: "2"})
	update(t, s, func(tx *Tx) { pets.Delete(tx, "a/2") })
	if _, err := Open(t.Context(), Config{Dir: dir}, pets); !errors.Is(err, ErrLocked) {
		t.Errorf("a second store on the directory: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { pets.Delete(tx, "a/1"); return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("update of a closed store: %v", err)
	}
	start := time.Now()
	s = open(t, Config{Dir: dir})
	t.Logf("reopened in %v", time.Since(start))
	if got := slices.Collect(pets.List(s.Snapshot(), "")); len(got) != 1 || got[0].Kind != "dog" {
		t.Errorf("after reopening: %v", got)
	}
}
