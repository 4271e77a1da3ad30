package logstore

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func openMem(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := open("logs", fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// read collects what a walk yields.
func read(t testing.TB, walk func(failure *error) iter.Seq[Event]) []string {
	t.Helper()
	var got []string
	var err error
	for e := range walk(&err) {
		got = append(got, string(e.Message))
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func all() Range { return Range{At(0), End()} }

func group(t testing.TB, s *Store, g uint64, r Range) []string {
	t.Helper()
	return read(t, func(err *error) iter.Seq[Event] { return s.Group(g, r, err) })
}

func stream(t testing.TB, s *Store, g, st uint64, r Range, backward bool) []string {
	t.Helper()
	return read(t, func(err *error) iter.Seq[Event] { return s.Stream(g, st, r, backward, err) })
}

func add(t testing.TB, s *Store, g, st uint64, entries ...Entry) {
	t.Helper()
	if _, err := s.Append(g, st, 1000, entries); err != nil {
		t.Fatal(err)
	}
}

func TestOrder(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	add(t, s, 1, 1, Entry{10, "a"}, Entry{30, "c"})
	add(t, s, 1, 2, Entry{20, "b"}, Entry{30, "d"})
	add(t, s, 1, 1, Entry{5, "late"})
	add(t, s, 2, 1, Entry{10, "other group"})
	for _, tc := range []struct {
		name      string
		got, want []string
	}{
		{"group", group(t, s, 1, all()), []string{"late", "a", "b", "c", "d"}},
		{"group in a range", group(t, s, 1, Range{At(10), At(30)}), []string{"a", "b"}},
		{"stream", stream(t, s, 1, 1, all(), false), []string{"late", "a", "c"}},
		{"backward", stream(t, s, 1, 1, all(), true), []string{"c", "a", "late"}},
		{"backward in a range", stream(t, s, 1, 1, Range{At(6), At(30)}, true), []string{"a"}},
		{"streams", read(t, func(err *error) iter.Seq[Event] { return s.Streams(1, []uint64{1, 2, 9}, Range{At(10), End()}, err) }), []string{"a", "b", "c", "d"}},
		{"no stream", read(t, func(err *error) iter.Seq[Event] { return s.Streams(1, nil, all(), err) }), nil},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, tc.got, tc.want)
		}
	}
	if l, ok, err := s.Latest(1, 1); err != nil || !ok || l != (Latest{30, 1000}) {
		t.Errorf("latest %v, %v, %v", l, ok, err)
	}
	if _, ok, err := s.Latest(1, 9); err != nil || ok {
		t.Errorf("a stream without events has latest times, %v", err)
	}
	if at, ok, err := s.First(1, 1, At(6)); err != nil || !ok || at.Time != 10 {
		t.Errorf("first %v, %v, %v", at, ok, err)
	}
}

func TestDeletion(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	many := make([]Entry, 2*portion+1)
	for i := range many {
		many[i] = Entry{int64(i), "x"}
	}
	add(t, s, 1, 1, many...)
	add(t, s, 1, 2, Entry{0, "kept"}, Entry{portion, "kept too"})
	add(t, s, 2, 1, Entry{0, "other"})
	if err := s.DeleteStream(1, 1); err != nil {
		t.Fatal(err)
	}
	if got := group(t, s, 1, all()); !slices.Equal(got, []string{"kept", "kept too"}) {
		t.Errorf("after the stream: %d events", len(got))
	}
	if got := stream(t, s, 1, 1, all(), false); got != nil {
		t.Errorf("the stream has %d events", len(got))
	}
	if _, ok, _ := s.Latest(1, 1); ok {
		t.Error("the stream has latest times")
	}
	if err := s.Trim(1, 1); err != nil {
		t.Fatal(err)
	}
	if a, b := group(t, s, 1, all()), stream(t, s, 1, 2, all(), false); !slices.Equal(a, []string{"kept too"}) || !slices.Equal(b, a) {
		t.Errorf("after the trim: %q, %q", a, b)
	}
	if err := s.DeleteGroup(1); err != nil {
		t.Fatal(err)
	}
	if a, b := group(t, s, 1, all()), stream(t, s, 1, 2, all(), false); a != nil || b != nil {
		t.Errorf("after the group: %q, %q", a, b)
	}
	if got := group(t, s, 2, all()); !slices.Equal(got, []string{"other"}) {
		t.Errorf("the other group has %q", got)
	}
}

// Nothing that was acknowledged is lost when the machine dies, whatever else was
// on its way, and sequence numbers are never given out twice.
func TestCrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := openMem(t, fs)
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var crashed *vfs.MemFS
	var before map[string]bool
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for n := range 40 {
				text := fmt.Sprintf("%d/%d", w, n)
				if _, err := s.Append(1, uint64(w), 0, []Entry{{int64(n), text}, {int64(n), text + "+"}}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[text], acknowledged[text+"+"] = true, true
				if len(acknowledged) == 300 {
					before = map[string]bool{}
					for k := range acknowledged {
						before[k] = true
					}
					crashed = fs.CrashClone(vfs.CrashCloneCfg{})
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	if crashed == nil {
		t.Fatal("there was no crash")
	}
	again := openMem(t, crashed)
	there, seen := map[string]bool{}, map[uint64]bool{}
	var err error
	for e := range again.Group(1, all(), &err) {
		there[string(e.Message)], seen[e.Seq] = true, true
	}
	if err != nil {
		t.Fatal(err)
	}
	for text := range before {
		if !there[text] {
			t.Errorf("%s is lost", text)
		}
		if there[text] != there[text+"+"] && text[len(text)-1] != '+' {
			t.Errorf("half of the call %s is there", text)
		}
	}
	first, err := again.Append(1, 1, 0, []Entry{{1, "after"}})
	if err != nil || seen[first] {
		t.Errorf("sequence number %d again, %v", first, err)
	}
}

// What was appended comes back in order, from every kind of walk, after any number
// of restarts, flushes and compactions.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		s, err := open("logs", fs, nil)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		type kept struct {
			Position
			stream uint64
			text   string
		}
		var model []kept
		for n := range rapid.IntRange(1, 20).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = open("logs", fs, nil); err != nil {
					rt.Fatal(err)
				}
			case 1:
				if err := s.db.Flush(); err != nil {
					rt.Fatal(err)
				}
			case 2:
				before := rapid.Int64Range(0, 20).Draw(rt, "before")
				if err := s.Trim(1, before); err != nil {
					rt.Fatal(err)
				}
				model = slices.DeleteFunc(model, func(k kept) bool { return k.Time < before })
			case 3:
				gone := rapid.Uint64Range(1, 3).Draw(rt, "gone")
				if err := s.DeleteStream(1, gone); err != nil {
					rt.Fatal(err)
				}
				model = slices.DeleteFunc(model, func(k kept) bool { return k.stream == gone })
			default:
				st := rapid.Uint64Range(1, 3).Draw(rt, "stream")
				times := rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 8).Draw(rt, "times")
				slices.Sort(times)
				var entries []Entry
				for i, at := range times {
					entries = append(entries, Entry{at, fmt.Sprint(n, "/", i)})
				}
				first, err := s.Append(1, st, 0, entries)
				if err != nil {
					rt.Fatal(err)
				}
				for i, e := range entries {
					model = append(model, kept{Position{e.Time, first + uint64(i)}, st, e.Message})
				}
			}
		}
		slices.SortFunc(model, func(a, b kept) int {
			if a.Before(b.Position) {
				return -1
			}
			return 1
		})
		r := Range{At(rapid.Int64Range(0, 20).Draw(rt, "from")), At(rapid.Int64Range(0, 25).Draw(rt, "to"))}
		want := func(streams ...uint64) (texts []string) {
			for _, k := range model {
				if !k.Before(r.From) && k.Before(r.To) && slices.Contains(streams, k.stream) {
					texts = append(texts, k.text)
				}
			}
			return texts
		}
		if r.To.Before(r.From) {
			r.To = r.From
		}
		if got := group(t, s, 1, r); !slices.Equal(got, want(1, 2, 3)) {
			rt.Fatalf("group: %q, want %q", got, want(1, 2, 3))
		}
		if got := stream(t, s, 1, 2, r, false); !slices.Equal(got, want(2)) {
			rt.Fatalf("stream: %q, want %q", got, want(2))
		}
		back := want(2)
		slices.Reverse(back)
		if got := stream(t, s, 1, 2, r, true); !slices.Equal(got, back) {
			rt.Fatalf("backward: %q, want %q", got, back)
		}
		if got := read(t, func(err *error) iter.Seq[Event] { return s.Streams(1, []uint64{3, 1}, r, err) }); !slices.Equal(got, want(1, 3)) {
			rt.Fatalf("streams: %q, want %q", got, want(1, 3))
		}
	})
}

// fullDisk has no room.
type fullDisk struct{ vfs.FS }

func (fullDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: spare - 1, TotalBytes: 1 << 40}, nil
}

func TestFullDisk(t *testing.T) {
	s := openMem(t, fullDisk{vfs.NewMem()})
	if _, err := s.Append(1, 1, 0, []Entry{{1, "x"}}); !errors.Is(err, ErrNoSpace) {
		t.Errorf("got %v", err)
	}
	if err := s.DeleteGroup(1); err != nil {
		t.Errorf("nothing can be deleted: %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	add(t, s, 1, 1, Entry{1, "x"})
	var failure error
	for range s.Stream(1, 1, all(), false, &failure) {
		done := make(chan error)
		go func() { done <- s.Close() }()
		defer func() {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
	}
	if failure != nil {
		t.Error(failure)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Append(1, 1, 0, []Entry{{1, "x"}}); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	for range s.Group(1, all(), &failure) {
		t.Error("an event")
	}
	if !errors.Is(failure, ErrClosed) {
		t.Errorf("read: %v", failure)
	}
}

// What Pebble calls fatal fails the call and all later ones; it does not end the
// process.
func TestFatal(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	err := s.change("break", func(*pebble.Batch) error {
		s.dead.Fatalf("the disk %s", "is gone")
		return nil
	})
	if err == nil || err.Error() != "log store has failed: the disk is gone" {
		t.Errorf("got %v", err)
	}
	if _, again := s.Append(1, 1, 0, []Entry{{1, "x"}}); !errors.Is(again, err) {
		t.Errorf("later: %v", again)
	}
}

// Two processes in one directory would destroy it.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if second, err := Open(dir, nil); err == nil {
		second.Close()
		t.Error("the directory is open twice")
	}
}
