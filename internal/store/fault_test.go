package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestSchemaVersions(t *testing.T) {
	migrated := 0
	migrations[1] = func(ctx context.Context, kv clientv3.KV, prefix string) error {
		migrated++
		_, err := kv.Put(ctx, prefix+"v1/pets/m/1", `{"owner":"m","name":"1"}`)
		return err
	}
	defer delete(migrations, 1)
	for _, c := range []struct {
		name, stored string
		want         error
		records      string
	}{
		{"the same", `{"version":1}`, nil, ""},
		{"a newer one", `{"version":2}`, ErrSchema, ""},
		{"an older one", `{"version":0}`, nil, "m/1"},
		{"one without a way up", `{"version":-1}`, ErrSchema, ""},
		{"something else", `what`, ErrSchema, ""},
	} {
		dir := t.TempDir()
		s := open(t, Config{Dir: dir})
		if _, err := s.conn.Put(t.Context(), s.schemaKey(), c.stored); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s, err := Open(t.Context(), Config{Dir: dir}, pets)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if got := keys(pets.List(s.Snapshot(), "")); got != c.records {
			t.Errorf("%s: records %q", c.name, got)
		}
		s.Close()
	}
	if migrated != 1 {
		t.Errorf("migrated %d times", migrated)
	}
}

func TestFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 30)
	s := open(t, Config{
		MinFree: 100 << 20,
		statfs:  func(string) (uint64, error) { return free.Load(), nil },
	})
	write := func() error {
		return s.Update(t.Context(), func(tx *Tx) error { pets.Put(tx, &pet{Owner: "a", Name: "1"}); return nil })
	}
	if err := errors.Join(write(), s.Check(t.Context())); err != nil {
		t.Fatal(err)
	}
	free.Store(99 << 20)
	if err := write(); !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "99 MiB free") {
		t.Errorf("write to a full disk: %v", err)
	}
	if err := s.Check(t.Context()); !errors.Is(err, ErrNoSpace) {
		t.Errorf("check of a full disk: %v", err)
	}
	if got := keys(pets.List(s.Snapshot(), "")); got != "a/1" {
		t.Errorf("read from a full disk: %q", got)
	}
	free.Store(100 << 20)
	if err := errors.Join(write(), s.Check(t.Context())); err != nil {
		t.Errorf("after the disk has room again: %v", err)
	}
}

func TestOpenOnAFullDisk(t *testing.T) {
	full := Config{Dir: t.TempDir(), statfs: func(string) (uint64, error) { return 1 << 20, nil }}
	if _, err := Open(t.Context(), full, pets); !errors.Is(err, ErrNoSpace) {
		t.Error(err)
	}
}

// TestQuotaFullOfHistory fills etcd's quota with old revisions, which the store can do without.
func TestQuotaFullOfHistory(t *testing.T) {
	t.Parallel()
	s := open(t, Config{quota: 24 << 20})
	big := strings.Repeat("x", 1<<20)
	write := func() error {
		return s.Update(t.Context(), func(tx *Tx) error {
			pets.Put(tx, &pet{Owner: "a", Name: "1", Kind: big})
			return nil
		})
	}
	var err error
	for range 100 {
		if err = write(); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrNoSpace) {
		t.Fatalf("100 MiB into 24: %v", err)
	}
	deadline := time.Now().Add(time.Minute)
	for err != nil && time.Now().Before(deadline) {
		<-time.After(20 * time.Millisecond)
		err = write()
	}
	if err != nil {
		t.Errorf("after a minute: %v", err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMaintenanceShrinksTheDatabase(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	big := strings.Repeat("x", 1<<20)
	for i := range 70 {
		put(t, s, pet{Owner: "a", Name: fmt.Sprint(i % 2), Kind: big})
	}
	backend := s.conn.embedded.server.Backend()
	backend.ForceCommit()
	if backend.Size() < defragSize {
		t.Fatalf("the database has %d bytes", backend.Size())
	}
	last := s.Snapshot().Revision()
	h := &housekeeping{seen: last, compacted: -compactAfter, at: time.Now()}
	if err := s.keepHouse(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if _, err := s.conn.Get(t.Context(), "x", clientv3.WithRev(last-1)); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("reading an old revision: %v", err)
	}
	// The compaction removes what it has marked in the background; a second one, of a revision more, waits for it.
	put(t, s, pet{Owner: "a", Name: "0"})
	if err := s.compact(t.Context(), last+1, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	if err := s.keepHouse(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if size := backend.Size(); size > 16<<20 {
		t.Errorf("the database still has %d bytes", size)
	}
	if got := keys(pets.List(s.Snapshot(), "")); got != "a/0 a/1" {
		t.Errorf("records: %s", got)
	}
}

func TestUnreadableRecords(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	put(t, s, pet{Owner: "a", Name: "1"})
	for key, value := range map[string]string{"v1/pets/a/1": "broken", "v1/unknown/1": "{}", "other": "x"} {
		if _, err := s.conn.Put(t.Context(), s.cfg.Prefix+key, value); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, pet{Owner: "a", Name: "2"})
	if got := keys(pets.List(s.Snapshot(), "")); got != "a/2" {
		t.Errorf("a running store shows %q", got)
	}
	s.Close()
	if _, err := Open(t.Context(), Config{Dir: dir}, pets); err == nil || !strings.Contains(err.Error(), "v1/pets/a/1") {
		t.Errorf("opening says %v", err)
	}
}

func TestOpenWithoutAnEtcdThere(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := Open(ctx, Config{Endpoints: []string{"unix:///nowhere/etcd.sock"}}, pets)
	if !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if _, err := Open(t.Context(), Config{}, pets); err == nil {
		t.Error("opened neither a directory nor endpoints")
	}
	if _, err := Open(t.Context(), Config{Dir: t.TempDir()}, pets, pets); err == nil {
		t.Error("opened one table twice")
	}
}

// lopsided writes JSON that it cannot read.
type lopsided struct{ Name string }

func (lopsided) MarshalJSON() ([]byte, error) { return []byte(`[1]`), nil }

func TestRecordsMustBeReadable(t *testing.T) {
	table := NewTable(Spec[lopsided]{Name: "lopsided", Key: func(l *lopsided) string { return l.Name }})
	s, err := Open(t.Context(), Config{Dir: t.TempDir()}, table)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := s.Snapshot().Revision()
	err = s.Update(t.Context(), func(tx *Tx) error { table.Put(tx, &lopsided{"x"}); return nil })
	if !errors.Is(err, errUnreadable) || s.Snapshot().Revision() != before {
		t.Errorf("%v at revision %d, before %d", err, s.Snapshot().Revision(), before)
	}
}

func TestTwoEmbeddedStores(t *testing.T) {
	a, b := open(t, Config{}), open(t, Config{})
	put(t, a, pet{Owner: "a", Name: "1"})
	put(t, b, pet{Owner: "b", Name: "1"})
	if got := keys(pets.List(a.Snapshot(), "")) + " " + keys(pets.List(b.Snapshot(), "")); got != "a/1 b/1" {
		t.Error(got)
	}
	info, err := os.Stat(a.cfg.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the data directory: %v, %v", info.Mode(), err)
	}
}

func TestMetrics(t *testing.T) {
	s := open(t, Config{})
	put(t, s, pet{Owner: "a", Name: "1"}, pet{Owner: "a", Name: "2"})
	w := s.Watch()
	defer w.Close()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range s.Collectors() {
		if err := registry.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, f := range families {
		for _, m := range f.Metric {
			fmt.Fprintln(&text, f.GetName(), m)
		}
	}
	for _, want := range []string{
		`slipway_store_commits_total label:{name:"result" value:"committed"} counter:{value:1`,
		`slipway_store_records label:{name:"table" value:"pets"} gauge:{value:2}`,
		`slipway_store_watchers gauge:{value:1}`,
		`slipway_store_db_bytes gauge:{value:`,
	} {
		if !strings.Contains(strings.ReplaceAll(text.String(), "  ", " "), want) {
			t.Errorf("no %s in\n%s", want, text.String())
		}
	}
}
