package logs_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/store"
)

var scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}

// newRoom returns a room over stores of its own.
func newRoom(t testing.TB) *logs.Room {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, logs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	events, err := logstore.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := events.Close(); err != nil {
			t.Error(err)
		}
	})
	return logs.New(st, events, logs.Config{})
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

func makeGroup(t testing.TB, f failer, r *logs.Room, name string, streams ...string) {
	f.Helper()
	if err := r.CreateGroup(t.Context(), scope, logs.Group{Name: name}); err != nil {
		f.Fatal(err)
	}
	for _, s := range streams {
		if err := r.CreateStream(t.Context(), scope, name, s); err != nil {
			f.Fatal(err)
		}
	}
}

// What was put is got back in order, by pages of any size in either direction and
// by filters of any choice of streams.
func TestWhatWasPutIsGotBack(t *testing.T) {
	r := newRoom(t)
	base := time.Now().Add(-time.Hour).UnixMilli()
	names := []string{"a", "b", "c"}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		group := fmt.Sprint("g", n)
		makeGroup(t, rt, r, group, names...)
		type kept struct {
			at     int64
			stream string
			text   string
		}
		var model []kept
		for p := range rapid.IntRange(0, 6).Draw(rt, "puts") {
			stream := rapid.SampledFrom(names).Draw(rt, "stream")
			times := rapid.SliceOfN(rapid.Int64Range(0, 9), 1, 6).Draw(rt, "times")
			slices.Sort(times)
			var batch []logs.Entry
			for i, at := range times {
				e := logs.Entry{Time: base + at, Message: fmt.Sprint(p, ".", i)}
				batch = append(batch, e)
				model = append(model, kept{e.Time, stream, e.Message})
			}
			if _, rejected, err := r.Put(t.Context(), scope, group, stream, batch); err != nil || rejected != nil {
				rt.Fatal(rejected, err)
			}
		}
		slices.SortStableFunc(model, func(a, b kept) int { return int(a.at - b.at) })
		want := func(streams ...string) (texts []string) {
			for _, k := range model {
				if slices.Contains(streams, k.stream) {
					texts = append(texts, k.text)
				}
			}
			return texts
		}
		limit := rapid.IntRange(1, 40).Draw(rt, "limit")
		for _, fromHead := range []bool{true, false} {
			if got := getAll(rt, r, group, "a", fromHead, limit); !slices.Equal(got, want("a")) {
				rt.Fatalf("stream from its head %v: %q, want %q", fromHead, got, want("a"))
			}
		}
		for _, q := range []struct {
			logs.FilterQuery
			want []string
		}{
			{logs.FilterQuery{}, want(names...)},
			{logs.FilterQuery{Streams: []string{"c", "a"}}, want("a", "c")},
			{logs.FilterQuery{Prefix: "b"}, want("b")},
		} {
			q.Limit = limit
			if got := filterAll(t, rt, r, group, q.FilterQuery); !slices.Equal(got, q.want) {
				rt.Fatalf("filter %+v: %q, want %q", q.FilterQuery, got, q.want)
			}
		}
	})
}

// getAll follows the tokens from one end of a stream to the other.
func getAll(t *rapid.T, r *logs.Room, group, stream string, fromHead bool, limit int) (got []string) {
	q := logs.GetQuery{FromHead: fromHead, Limit: limit}
	for {
		page, err := r.Get(scope, group, stream, q)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, e := range page.Events {
			texts = append(texts, e.Message)
		}
		next := page.Forward
		if fromHead {
			got = append(got, texts...)
		} else {
			got, next = append(texts, got...), page.Backward
		}
		if next == q.Token {
			return got
		}
		if len(texts) == 0 && q.Token != "" {
			t.Fatal("an empty page with another token")
		}
		q.Token = next
	}
}

func filterAll(t testing.TB, f failer, r *logs.Room, group string, q logs.FilterQuery) (got []string) {
	f.Helper()
	for {
		events, next, err := r.Filter(t.Context(), scope, group, q)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range events {
			got = append(got, e.Message)
		}
		if next == "" {
			return got
		}
		q.Token = next
	}
}

// Events that retention reaches go out of sight at once and from the disk with the
// next sweep.
func TestRetention(t *testing.T) {
	r := newRoom(t)
	makeGroup(t, t, r, "web", "one", "two")
	now := time.Now()
	for _, days := range []int{10, 4, 0} {
		at := now.AddDate(0, 0, -days).UnixMilli()
		for _, s := range []string{"one", "two"} {
			if _, _, err := r.Put(t.Context(), scope, "web", s, []logs.Entry{{Time: at, Message: fmt.Sprint(s, days)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := []string{"one10", "two10", "one4", "two4", "one0", "two0"}
	if got := filterAll(t, t, r, "web", logs.FilterQuery{Limit: 10}); !slices.Equal(got, all) {
		t.Fatalf("got %q", got)
	}
	if err := r.SetRetention(t.Context(), scope, "web", new(int32(5))); err != nil {
		t.Fatal(err)
	}
	if got := filterAll(t, t, r, "web", logs.FilterQuery{Limit: 10}); !slices.Equal(got, all[2:]) {
		t.Errorf("in sight: %q", got)
	}
	page, err := r.Get(scope, "web", "one", logs.GetQuery{Limit: 10, FromHead: true})
	if err != nil || len(page.Events) != 2 || page.Events[0].Message != "one4" {
		t.Errorf("page %+v, %v", page, err)
	}
	streams, _, err := r.Streams(scope, "web", logs.StreamQuery{Order: logs.ByName, Limit: 10})
	if err != nil || *streams[0].FirstEvent != now.AddDate(0, 0, -4).UnixMilli() {
		t.Errorf("streams %+v, %v", streams, err)
	}
	if err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.SetRetention(t.Context(), scope, "web", nil); err != nil {
		t.Fatal(err)
	}
	if got := filterAll(t, t, r, "web", logs.FilterQuery{Limit: 10}); !slices.Equal(got, all[2:]) {
		t.Errorf("after the sweep: %q", got)
	}
}

// A deletion that is cut short after its record has gone is finished by a sweep
// of another process.
func TestSweepFinishesDeletions(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, logs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	open := func() (*logs.Room, *logstore.Store) {
		events, err := logstore.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return logs.New(st, events, logs.Config{}), events
	}
	r, events := open()
	makeGroup(t, t, r, "web", "one")
	g, err := r.Group(scope, "web")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Put(t.Context(), scope, "web", "one", []logs.Entry{{Time: time.Now().UnixMilli(), Message: "x"}}); err != nil {
		t.Fatal(err)
	}
	if err := events.Close(); err != nil { // so that the events cannot be removed
		t.Fatal(err)
	}
	if err := r.DeleteGroup(t.Context(), scope, "web"); err != nil {
		t.Fatal(err)
	}
	r, events = open()
	defer events.Close()
	if !some(t, events, g) {
		t.Fatal("the events have gone before the sweep: the test proves nothing")
	}
	if err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if some(t, events, g) {
		t.Error("events remain")
	}
}

// some tells whether a group has events on disk.
func some(t *testing.T, events *logstore.Store, g *logs.Group) (found bool) {
	t.Helper()
	var err error
	for range events.Group(uint64(g.ID), logstore.Range{To: logstore.End()}, &err) {
		found = true
		break
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What was acknowledged is there in a copy of the directory that was taken while
// the store was open, as a power cut or kill -9 leaves it.
func TestCopyWithoutClose(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()+"/copy"
	events, err := logstore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for n := range 100 {
		if _, err := events.Append(1, 1, 0, []logstore.Entry{{Time: int64(n), Message: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again, err := logstore.Open(copied, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	n := 0
	for range again.Group(1, logstore.Range{To: logstore.End()}, &err) {
		n++
	}
	if n != 100 || err != nil {
		t.Errorf("%d events, %v", n, err)
	}
}
