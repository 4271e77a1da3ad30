//go:build integration

package netns

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// space makes a namespace that the test removes.
func space(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	path := filepath.Join(t.TempDir(), "deep", "ns")
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Delete(path); err != nil {
			t.Error(err)
		}
	})
	return path
}

// here identifies the namespace of the calling thread.
func here(t *testing.T) uint64 {
	t.Helper()
	return inode(t, "/proc/thread-self/ns/net")
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestIntegrationCreateIsANamespaceOfItsOwn(t *testing.T) {
	path := space(t)
	if !Mounted(path) {
		t.Error("no namespace is mounted")
	}
	if inode(t, path) == here(t) {
		t.Error("it is the namespace of this process")
	}
	err := Do(path, func() error {
		links, err := net.Interfaces()
		if err == nil && (len(links) != 1 || links[0].Name != "lo" || links[0].Flags&net.FlagUp != 0) {
			t.Errorf("a new namespace has %+v, want a loopback that is down", links)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestIntegrationCreateKeepsWhatIsThere(t *testing.T) {
	path := space(t)
	before := inode(t, path)
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	if inode(t, path) != before {
		t.Error("another namespace took its place")
	}
}

func TestIntegrationDoComesBack(t *testing.T) {
	path := space(t)
	home := here(t)
	wanted := errors.New("from inside")
	var inside uint64
	if err := Do(path, func() error { inside = here(t); return wanted }); !errors.Is(err, wanted) {
		t.Errorf("Do returned %v", err)
	}
	if inside != inode(t, path) {
		t.Error("fn ran elsewhere")
	}
	if here(t) != home {
		t.Error("the caller is in another namespace")
	}
}

func TestIntegrationSocketsStayInside(t *testing.T) {
	path := space(t)
	var l net.Listener
	err := Do(path, func() (err error) {
		// The loopback is down: only an address that needs no interface will do.
		l, err = net.Listen("tcp4", "0.0.0.0:0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	outer, err := net.Listen("tcp4", l.Addr().String())
	if err != nil {
		t.Fatalf("the port is taken outside: %v", err)
	}
	outer.Close()
	err = Do(path, func() error {
		again, err := net.Listen("tcp4", l.Addr().String())
		if err == nil {
			again.Close()
			t.Error("the port is free inside")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestIntegrationDelete(t *testing.T) {
	path := space(t)
	// Stacked, as two that bind at once would leave it.
	if err := Do(path, func() error { return Bind(path) }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Delete(path); err != nil {
			t.Fatal(err)
		}
		if Mounted(path) {
			t.Error("it is still mounted")
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its file is still there: %v", err)
		}
	}
	if err := Do(path, func() error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Do in a namespace that is gone: %v", err)
	}
}

// After a reboot the file is there and the namespace is not.
func TestIntegrationAnEmptyFileIsNoNamespace(t *testing.T) {
	path := space(t)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if Mounted(path) {
		t.Error("an empty file counts as a namespace")
	}
	if err := Do(path, func() error { return nil }); err == nil {
		t.Error("an empty file can be entered")
	}
	if err := Create(path); err != nil || !Mounted(path) {
		t.Errorf("it could not be made again: %v", err)
	}
}
