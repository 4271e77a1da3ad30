package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/store"
)

func open(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func TestSealedOpensForItsPurposeOnly(t *testing.T) {
	box, err := Load(t.Context(), open(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		purpose := rapid.String().Draw(t, "purpose")
		sealed := box.Seal(value, purpose)
		got, err := box.Open(sealed, purpose)
		if err != nil || !bytes.Equal(got, value) {
			t.Fatalf("opened as %q, %v", got, err)
		}
		if _, err := box.Open(sealed, purpose+"x"); err == nil {
			t.Fatal("opened for another purpose")
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")] ^= 1
		if _, err := box.Open(sealed, purpose); err == nil {
			t.Fatal("opened after a change")
		}
	})
	if _, err := box.Open([]byte("short"), ""); err == nil {
		t.Error("opened what was never sealed")
	}
}

func TestTheKeyStays(t *testing.T) {
	st, dir := open(t), t.TempDir()
	first, err := Load(t.Context(), st, dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	again, err := Load(t.Context(), st, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(first.Seal([]byte("v"), "p"), "p"); err != nil || string(got) != "v" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
}

func TestAnotherKeyIsRefusedAtTheStart(t *testing.T) {
	st := open(t)
	if _, err := Load(t.Context(), st, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	lost := t.TempDir()
	if _, err := Load(t.Context(), st, lost); !errors.Is(err, ErrOtherKey) {
		t.Errorf("without the key: %v", err)
	}
	other := t.TempDir()
	if _, err := makeKey(filepath.Join(other, KeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), st, other); !errors.Is(err, ErrOtherKey) {
		t.Errorf("with another key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(other, KeyFile), []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), st, other); err == nil {
		t.Error("loaded what is no key")
	}
}
