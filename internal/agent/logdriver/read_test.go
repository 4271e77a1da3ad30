package logdriver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func newLog(t *testing.T, keep string) (*Drivers, string) {
	t.Helper()
	d, err := New(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	path, err := d.Open(t.Context(), Container{ID: "c1"}, "json-file", map[string]string{"max-size": keep})
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string, tail int) string {
	t.Helper()
	var b bytes.Buffer
	if err := Read(t.Context(), path, ReadOptions{Tail: tail}, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRead(t *testing.T) {
	_, path := newLog(t, "1m")
	if got := read(t, path, 0); got != "" {
		t.Errorf("empty log = %q", got)
	}
	appendText(t, path, "one\ntwo\nthree\npart")
	for tail, want := range map[int]string{0: "one\ntwo\nthree\npart", 1: "part", 2: "three\npart", 4: "one\ntwo\nthree\npart", 9: "one\ntwo\nthree\npart"} {
		if got := read(t, path, tail); got != want {
			t.Errorf("last %d lines = %q, want %q", tail, got, want)
		}
	}
	appendText(t, path, "ly\n")
	if got := read(t, path, 2); got != "three\npartly\n" {
		t.Errorf("last 2 lines = %q", got)
	}
	long := strings.Repeat("x", 10_000) + "\n"
	appendText(t, path, long+"end\n")
	if got := read(t, path, 2); got != long+"end\n" {
		t.Errorf("last 2 lines have %d bytes", len(got))
	}
	if err := Read(t.Context(), path+"x", ReadOptions{}, &bytes.Buffer{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}

func TestCutKeepsTheNewest(t *testing.T) {
	f, path := newLog(t, "2m")
	var all strings.Builder
	for i := range 400_000 {
		fmt.Fprintf(&all, "line %08d\n", i)
	}
	appendText(t, path, all.String())
	f.cutAll()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || st.Blocks*512 > 2<<20+2*block || st.Size != int64(all.Len()) {
		t.Errorf("%d bytes on disk, size %d, %v", st.Blocks*512, st.Size, err)
	}
	appendText(t, path, "after\n")
	got := read(t, path, 0)
	if len(got) < 2<<20 || !strings.HasPrefix(got, "line ") || !strings.HasSuffix(all.String()+"after\n", got) {
		t.Errorf("%d bytes are kept, from %.20q", len(got), got)
	}
	if got := read(t, path, 2); got != "line 00399999\nafter\n" {
		t.Errorf("last 2 lines = %q", got)
	}
	if err := f.Close("c1"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := f.Remove("c1"); err != nil {
			t.Error(err)
		}
	}
}

// signalling tells when it has seen a text.
type signalling struct {
	text strings.Builder
	want string
	seen chan struct{}
}

func (s *signalling) Write(b []byte) (int, error) {
	s.text.Write(b)
	if s.want != "" && strings.Contains(s.text.String(), s.want) {
		s.want = ""
		close(s.seen)
	}
	return len(b), nil
}

func TestFollow(t *testing.T) {
	_, path := newLog(t, "1m")
	appendText(t, path, "one\n")
	w := &signalling{want: "two\n", seen: make(chan struct{})}
	until, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- Read(t.Context(), path, ReadOptions{Follow: true, Until: until}, w) }()
	appendText(t, path, "two\n")
	<-w.seen
	appendText(t, path, "three\n")
	close(until)
	if err := <-done; err != nil || w.text.String() != "one\ntwo\nthree\n" {
		t.Errorf("got %q, %v", w.text.String(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(ctx, path, ReadOptions{Follow: true}, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestBadIDs(t *testing.T) {
	f, _ := newLog(t, "1m")
	for _, id := range []string{"", ".", "..", "a/b", "../x"} {
		if _, err := f.Open(t.Context(), Container{ID: id}, "", nil); err == nil {
			t.Errorf("id %q was taken", id)
		}
		if err := f.Remove(id); err == nil {
			t.Errorf("id %q was removed", id)
		}
	}
}
