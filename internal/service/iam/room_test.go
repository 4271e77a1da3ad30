package iam_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
)

func openRoom(t *testing.T, dir string) (*iam.Room, *store.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: dir}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return iam.New(st, iam.Config{}), st
}

func TestEnsureRoot(t *testing.T) {
	dir := t.TempDir()
	dataDir := filepath.Join(t.TempDir(), "new", "data")
	file := filepath.Join(dataDir, iam.CredentialsFile)

	room, st := openRoom(t, dir)
	first, err := room.EnsureRoot(t.Context(), dataDir)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[1-9][0-9]{11}$`).MatchString(first.Account) {
		t.Errorf("account id %q is not 12 digits", first.Account)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(first.ID) || len(first.Secret) != 40 {
		t.Errorf("key %q with a secret of %d characters", first.ID, len(first.Secret))
	}
	if want := "arn:aws:iam::" + first.Account + ":root"; first.Principal != want || first.UserID != first.Account {
		t.Errorf("principal %q, user id %q; want %q, %q", first.Principal, first.UserID, want, first.Account)
	}
	checkPrivate(t, file, first.Credentials())
	if info, err := os.Stat(dataDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data directory has mode %v (%v), want 0700", info.Mode().Perm(), err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	spoil := map[string]func() error{
		"untouched":        func() error { return nil },
		"removed":          func() error { return os.Remove(file) },
		"open to everyone": func() error { return os.Chmod(file, 0o644) },
		"cut short":        func() error { return os.WriteFile(file, []byte(`{"acc`), 0o600) },
	}
	room, _ = openRoom(t, dir)
	for name, do := range spoil {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		again, err := room.EnsureRoot(t.Context(), dataDir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s: another root key (-first +again):\n%s", name, diff)
		}
		checkPrivate(t, file, first.Credentials())
	}
	left, err := os.ReadDir(dataDir)
	if err != nil || len(left) != 1 {
		t.Errorf("the data directory holds %v (%v), want one file", left, err)
	}
	if n := len(room.Accounts()); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
}

func checkPrivate(t *testing.T, file string, want iam.Credentials) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %v, want 0600", file, info.Mode().Perm())
	}
	got, err := iam.ReadCredentials(filepath.Dir(file))
	if err != nil || got != want {
		t.Errorf("ReadCredentials = %+v, %v; want %+v", got, err, want)
	}
	var keys map[string]string
	b, _ := os.ReadFile(file)
	if err := json.Unmarshal(b, &keys); err != nil || keys["accountId"] == "" || keys["accessKeyId"] == "" || keys["secretAccessKey"] == "" {
		t.Errorf("credentials file is %s (%v)", b, err)
	}
}

func TestCreateAccount(t *testing.T) {
	room, _ := openRoom(t, t.TempDir())
	seen := map[string]bool{}
	for range 5 {
		a, k, err := room.CreateAccount(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen[a.ID] || seen[k.ID] || k.Account != a.ID {
			t.Errorf("account %s with key %s of %s: not its own", a.ID, k.ID, k.Account)
		}
		seen[a.ID], seen[k.ID] = true, true
		found, ok := room.Lookup(k.ID)
		if !ok || !cmp.Equal(*found, k) {
			t.Errorf("Lookup(%s) = %+v, %v; want the key", k.ID, found, ok)
		}
	}
	if _, ok := room.Lookup("AKIAAAAAAAAAAAAAAAAA"); ok {
		t.Error("Lookup finds a key that was never made")
	}
}

func TestInstanceKeyIsMadeOnce(t *testing.T) {
	const instance = "i-0123456789abcdef0"
	room, _ := openRoom(t, t.TempDir())
	account, root, err := room.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]iam.AccessKey, 8)
	var wg sync.WaitGroup
	for n := range keys {
		wg.Go(func() {
			k, err := room.IssueInstanceKey(t.Context(), account.ID, instance)
			if err != nil {
				t.Error(err)
			}
			keys[n] = k
		})
	}
	wg.Wait()
	for _, k := range keys[1:] {
		if k.ID != keys[0].ID || k.Secret != keys[0].Secret {
			t.Fatalf("keys %s and %s for one instance", keys[0].ID, k.ID)
		}
	}
	k := keys[0]
	if want := "arn:aws:sts::" + account.ID + ":assumed-role/ecsInstanceRole/" + instance; k.Principal != want {
		t.Errorf("principal %q, want %q", k.Principal, want)
	}
	if !regexp.MustCompile(`^AROA[A-Z2-7]{17}:` + instance + `$`).MatchString(k.UserID) {
		t.Errorf("user id %q", k.UserID)
	}
	if k.ID == root.ID || slices.Contains(k.Allow, "*") {
		t.Errorf("the instance has the key %s, which allows %v", k.ID, k.Allow)
	}
	other, err := room.IssueInstanceKey(t.Context(), account.ID, "i-0fedcba9876543210")
	if err != nil || other.ID == k.ID {
		t.Errorf("another instance has the key %s (%v)", other.ID, err)
	}

	if err := room.RevokeInstanceKey(t.Context(), account.ID, instance); err != nil {
		t.Fatal(err)
	}
	if _, ok := room.Lookup(k.ID); ok {
		t.Error("a revoked key is still there")
	}
	if _, ok := room.Lookup(other.ID); !ok {
		t.Error("revoking one instance's key took another's")
	}
}
