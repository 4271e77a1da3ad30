package logdriver

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// openAsShim holds both ends of a FIFO, as containerd's shim does.
func openAsShim(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Whatever the chunks, restarts and failures, every line arrives once and in
// order.
func TestEveryLineOnce(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set("12"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checks.Value.Set(before) }()
	for _, mode := range []string{"blocking", "non-blocking"} {
		t.Run(mode, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { everyLineOnce(t, rt, mode) })
		})
	}
}

func everyLineOnce(t *testing.T, rt *rapid.T, mode string) {
	s := newService(t, "g")
	dir := t.TempDir()
	r := start(t, dir, s)
	shim := openAsShim(t, r.open("awslogs", append(inGroup, "mode", mode)...))
	var want strings.Builder
	write := func(text string) {
		want.WriteString(text)
		if _, err := shim.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
		switch rapid.SampledFrom([]string{"lines", "part", "flood", "restart", "refuse", "down", "open"}).Draw(rt, "step") {
		case "lines":
			for n := range rapid.IntRange(1, 50).Draw(rt, "n") {
				write(fmt.Sprintf("line %d.%d\n", i, n))
			}
		case "part":
			write(rapid.StringMatching(`[a-zé\n]{1,40}`).Draw(rt, "part"))
		case "flood":
			write(strings.Repeat(fmt.Sprintf("flood %d ", i)+strings.Repeat("x", 90)+"\n", 20_000))
		case "restart":
			r.stop()
			write(fmt.Sprintf("while away %d\n", i))
			r = start(t, dir, s)
		case "refuse":
			s.set(func() { s.fail = append(s.fail, awsError{"ThrottlingException", "Rate exceeded"}) })
		case "down":
			s.set(func() { s.failAll = errors.New("connection refused") })
			write(fmt.Sprintf("nobody listens %d\n", i))
			r.stop()
			s.set(func() { s.failAll = nil })
			r = start(t, dir, s)
		case "open":
			r.open("awslogs", append(inGroup, "mode", mode)...)
		}
	}
	if err := r.Close(testID); err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.Split(want.String(), "\n"), func(l string) bool { return l == "" })
	s.until("all lines", func() bool { return len(s.events(stream)) >= len(lines) })
	r.stop()
	if got := s.texts(stream); !slices.Equal(got, lines) {
		t.Fatalf("%d lines of %d; first difference at %d", len(got), len(lines), difference(got, lines))
	}
}

func difference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// A put that is stored but not answered is sent again: nothing is missing and
// the order of first arrivals holds.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	r := start(t, t.TempDir(), s)
	path := r.open("awslogs", inGroup...)
	s.set(func() { s.lose = 1 })
	appendText(t, path, "one\ntwo\n")
	s.until("both puts", func() bool { return len(s.events(stream)) == 4 })
	if got := s.texts(stream); !slices.Equal(got, []string{"one", "two", "one", "two"}) {
		t.Errorf("events %q", got)
	}
}

// A blocking log stalls its container while the destination is away; what has
// been written arrives when it is back.
func TestBlockingStalls(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	r := start(t, t.TempDir(), s)
	shim := openAsShim(t, r.open("awslogs", append(inGroup, "mode", "blocking")...))
	s.set(func() { s.failAll = errors.New("connection refused") })
	const lines, text = 40_000, "a line of a hundred bytes a line of a hundred bytes a line of a hundred bytes a line of a hundred b\n"
	done := make(chan error, 1)
	go func() {
		_, err := shim.WriteString(strings.Repeat(text, lines))
		done <- err
	}()
	var st unix.Stat_t
	s.until("the file being full", func() bool { return unix.Stat(r.Path(testID), &st) == nil && st.Size == maxAhead })
	select {
	case err := <-done:
		t.Fatalf("the container did not stall: %v", err)
	default:
	}
	s.set(func() { s.failAll = nil })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := r.Close(testID); err != nil {
		t.Error(err)
	}
	s.until("all lines", func() bool { return len(s.events(stream)) == lines })
}

// A log that does not block drops its oldest lines while the destination is
// away, and another log is not touched by that.
func TestNonBlockingDropsTheOldest(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	r := start(t, t.TempDir(), s)
	path := r.open("awslogs", append(inGroup, "mode", "non-blocking", "max-buffer-size", "64k")...)
	s.set(func() { s.failAll = errors.New("connection refused") })
	var all strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&all, "line %08d\n", i)
	}
	appendText(t, path, all.String()) // does not wait
	s.set(func() { s.failAll = nil })
	if err := r.Close(testID); err != nil {
		t.Error(err)
	}
	s.until("the last line", func() bool { got := s.texts(stream); return len(got) > 0 && got[len(got)-1] == "line 00019999" })
	if got := strings.Join(s.texts(stream), "\n") + "\n"; len(got) > 64<<10 || len(got) < 60<<10 || !strings.HasSuffix(all.String(), "\n"+got) {
		t.Errorf("%d bytes arrived, from %.20q", len(got), got)
	}
	r.stop()
	if !strings.Contains(r.log.String(), "log dropped") {
		t.Errorf("log %s", r.log)
	}
}

// Removal waits for a log that is not yet sent, also over a restart.
func TestRemoveShipsFirst(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	dir := t.TempDir()
	r := start(t, dir, s)
	path := r.open("awslogs", inGroup...)
	s.set(func() { s.failAll = errors.New("connection refused") })
	appendText(t, path, "last words")
	if err := errors.Join(r.Close(testID), r.Remove(testID)); err != nil {
		t.Error(err)
	}
	r.stop()
	s.set(func() { s.failAll = nil })
	start(t, dir, s)
	s.until("the line", func() bool { return slices.Equal(s.texts(stream), []string{"last words"}) })
	s.until("no files", func() bool { return len(files(t, dir)) == 0 })
}

// A container that is started again goes on with its log.
func TestOpenAfterClose(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "non-blocking"} {
		s := newService(t, "g")
		r := start(t, t.TempDir(), s)
		for i := range 3 {
			path := r.open("awslogs", append(inGroup, "mode", mode)...)
			appendText(t, path, fmt.Sprintf("run %d\n", i))
			if err := r.Close(testID); err != nil {
				t.Error(err)
			}
			s.until("the line", func() bool { return len(s.events(stream)) == i+1 })
			if i == 1 {
				s.until("its end", func() bool { o := r.output(testID); o.mu.Lock(); defer o.mu.Unlock(); return !o.queued })
			}
		}
	}
}

func TestLinesInPieces(t *testing.T) {
	at := time.Unix(1, 0)
	marks := []mark{{3, at.UnixNano()}, {9, at.Add(time.Second).UnixNano()}}
	got := split("ab\ncdéfg\nno", 0, 3, marks, false)
	want := []line{{"ab", 3, at, false}, {"cd", 5, at.Add(time.Second), true}, {"éf", 8, at.Add(time.Second), true}, {"g", 10, time.Time{}, false}}
	for i, l := range got {
		if i == 3 {
			l.at = time.Time{}
		}
		if i >= len(want) || l != want[i] {
			t.Errorf("line %d is %+v", i, l)
		}
	}
	if got := split("no", 0, 3, nil, true); len(got) != 1 || got[0].text != "no" || got[0].end != 2 {
		t.Errorf("the end is %+v", got)
	}
	if got := split("abc\n", 0, 3, nil, false); len(got) != 1 || got[0].part {
		t.Errorf("a line of the limit is %+v", got)
	}
}
