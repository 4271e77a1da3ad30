package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func contents(t *testing.T, j *Journal, group string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := j.Each(group, func(k string, v []byte) error {
		got[k] = string(v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatIsWaitedForSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	j.Put("task", "a", []byte("1"))
	j.Put("task", "b", []byte("2"))
	j.Put("meta", "a", []byte("other group"))
	j.Delete("task", "a")
	wait := j.Put("task", "b", []byte("3"))
	if err := wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"b": "3"}
	if got := contents(t, j, "task"); !maps.Equal(got, want) {
		t.Errorf("before: got %v, want %v", got, want)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if got := contents(t, j, "task"); !maps.Equal(got, want) {
		t.Errorf("after: got %v, want %v", got, want)
	}
	if v, err := j.Get("meta", "a"); err != nil || string(v) != "other group" {
		t.Errorf("got %q, %v", v, err)
	}
	if v, err := j.Get("meta", "none"); err != nil || v != nil {
		t.Errorf("got %q, %v", v, err)
	}
}

func TestCloseWritesWhatIsPending(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	want := map[string]string{}
	for i := range 100 {
		k := fmt.Sprint(i)
		want[k] = "v" + k
		j.Put("task", k, []byte("v"+k))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Put("task", "late", nil)(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("put after close: got %v", err)
	}
	if got := contents(t, open(t, path), "task"); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestRefusedWritesAreKept lets the disk refuse writes for a while.
func TestRefusedWritesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	// A transaction that is open elsewhere stands for a disk that does not take
	// writes: ours waits for it and is not done.
	tx, err := j.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	wait := j.Put("task", "a", []byte("1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("durable too early: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFailedTransactionIsRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	// An empty key is refused by the engine underneath, which stands for any
	// write error: the writer must not drop what came with it.
	bad := j.Put("task", "", []byte("1"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bad(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	open(t, path)
	_, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 1})
	if err == nil {
		t.Fatal("a second opening was not refused")
	}
}

// TestManyWriters has each writer wait for its writes one by one, so that the
// writer is woken with nothing to do as often as with something.
func TestManyWriters(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	const writers, writes = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range writes {
				if err := j.Put("task", fmt.Sprint(w, "-", i), []byte("v"))(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := len(contents(t, j, "task")); got != writers*writes {
		t.Errorf("%d values, want %d", got, writers*writes)
	}
}
