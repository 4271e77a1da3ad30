package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestHost(t *testing.T) {
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "made", "deep")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, source, want string }{
		{"absent", dir, dir},
		{"present", dir + "/../deep/", dir},
		{"a file", file, file},
		{"relative", "x", ""},
		{"below a file", file + "/x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := s.Host(c.source)
			if got != c.want || (err != nil) != (c.want == "") {
				t.Fatalf("Host = %q, %v; want %q", got, err, c.want)
			}
			if _, err := os.Stat(got); c.want != "" && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScratchLivesWithItsTask(t *testing.T) {
	s, err := New(filepath.Join(t.TempDir(), "volumes"))
	if err != nil {
		t.Fatal(err)
	}
	scratch := func(task, name string) string {
		t.Helper()
		dir, err := s.Scratch(task, name)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	a, b, other := scratch("t1", "a"), scratch("t1", "b"), scratch("t2", "a")
	if a == b || a == other || scratch("t1", "a") != a {
		t.Errorf("directories: %s %s %s", a, b, other)
	}
	outside := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(a, "link")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.RemoveTask("t1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after RemoveTask: %v", err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	scratch("t3", "a")
	if err := s.Sweep(func(task string) bool { return task == "t2" }); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(filepath.Dir(filepath.Dir(other)))
	if err != nil || len(left) != 1 || left[0].Name() != "t2" {
		t.Errorf("after Sweep: %v, %v", left, err)
	}
}

func TestBadNames(t *testing.T) {
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".", "..", "a/b", "../a", "a\x00b"} {
		if _, err := s.Scratch("t", bad); err == nil {
			t.Errorf("name %q was taken", bad)
		}
		if err := s.RemoveTask(bad); err == nil {
			t.Errorf("task %q was removed", bad)
		}
	}
}
