package ecr

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/store"
)

var home = Scope{Account: "123456789012", Region: "us-east-1"}

// noContents is a storage without anything in it.
type noContents struct{}

func (noContents) Manifest(context.Context, *Repository, string) ([]byte, error) {
	return nil, errors.New("no contents")
}

func (noContents) RemoveRepository(context.Context, *Repository) error { return nil }

func openRoom(t *testing.T, dir string, cfg Config) (*Room, *store.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: dir}, Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if cfg.Contents == nil {
		cfg.Contents = noContents{}
	}
	return New(st, cfg), st
}

func TestIsOurs(t *testing.T) {
	local := New(nil, Config{RegistryHost: "127.0.0.1:4566"})
	public := New(nil, Config{RegistryHost: "ecr.example.org"})
	for _, c := range []struct {
		room                  *Room
		ref                   string
		account, region, repo string
		ok                    bool
	}{
		{local, "127.0.0.1:4566/web", "", "", "web", true},
		{local, "localhost:4566/team/web:v1", "", "", "team/web", true},
		{local, "[::1]:4566/web", "", "", "web", true},
		{local, "localhost:4566/web:v1@sha256:abc", "", "", "web", true},
		{local, "localhost:5000/web", "", "", "web", false},
		{local, "localhost/web", "", "", "web", false},
		{local, "web:v1", "", "", "", false},
		{local, "docker.io/library/web", "", "", "library/web", false},
		{local, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:c", "123456789012", "eu-west-1", "a/b", true},
		{local, "12345.dkr.ecr.eu-west-1.amazonaws.com/a", "", "", "a", false},
		{local, "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.org/a", "", "", "a", false},
		{public, "ecr.example.org/web", "", "", "web", true},
		{public, "localhost/web", "", "", "web", false},
	} {
		account, region, repo, ok := c.room.IsOurs(c.ref)
		if account != c.account || region != c.region || repo != c.repo || ok != c.ok {
			t.Errorf("IsOurs(%s) = %q, %q, %q, %v; want %q, %q, %q, %v",
				c.ref, account, region, repo, ok, c.account, c.region, c.repo, c.ok)
		}
	}
}

func TestMutability(t *testing.T) {
	for _, c := range []struct {
		m     Mutability
		tag   string
		fixed bool
	}{
		{Mutability{Mode: Mutable}, "v1", false},
		{Mutability{Mode: Immutable}, "v1", true},
		{Mutability{Mode: ImmutableWithExclusion, Exclude: []string{"latest", "dev-*"}}, "v1", true},
		{Mutability{Mode: ImmutableWithExclusion, Exclude: []string{"latest", "dev-*"}}, "latest", false},
		{Mutability{Mode: ImmutableWithExclusion, Exclude: []string{"latest", "dev-*"}}, "dev-7", false},
		{Mutability{Mode: ImmutableWithExclusion, Exclude: []string{"dev-*"}}, "my-dev-7", true},
		{Mutability{Mode: MutableWithExclusion, Exclude: []string{"*-rc*"}}, "v1-rc2", true},
		{Mutability{Mode: MutableWithExclusion, Exclude: []string{"*-rc*"}}, "v1", false},
		{Mutability{Mode: MutableWithExclusion, Exclude: []string{"ab*ba"}}, "aba", false},
	} {
		if got := c.m.Fixed(c.tag); got != c.fixed {
			t.Errorf("%+v: Fixed(%s) = %v", c.m, c.tag, got)
		}
	}
}

func TestTokens(t *testing.T) {
	room, st := openRoom(t, t.TempDir(), Config{})
	token, expires, err := room.IssueToken(t.Context(), home, "AKIAEXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(expires); left > TokenLife || left < TokenLife-time.Minute {
		t.Errorf("the token lasts %s", left)
	}
	login, err := room.CheckToken(token)
	if err != nil || login.Scope != home || login.AccessKeyID != "AKIAEXAMPLE" {
		t.Fatalf("CheckToken = %+v, %v", login, err)
	}

	claim, signature, _ := strings.Cut(token, ".")
	enc := base64.RawURLEncoding
	forge := func(change func(*Login)) string {
		forged := login
		change(&forged)
		b, _ := json.Marshal(forged)
		return enc.EncodeToString(b)
	}
	if _, _, err := room.IssueToken(t.Context(), Scope{"999999999999", home.Region}, "AKIAOTHER"); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty":                "",
		"no signature":         claim,
		"another account":      forge(func(l *Login) { l.Account = "999999999999" }) + "." + signature,
		"a scope without keys": forge(func(l *Login) { l.Region = "eu-west-9" }) + "." + signature,
		"a longer life":        forge(func(l *Login) { l.Expires = l.Expires.Add(time.Hour) }) + "." + signature,
		"not base64":           "!" + claim + "." + signature,
		"not JSON":             enc.EncodeToString([]byte("{")) + "." + signature,
		"another signature":    claim + "." + enc.EncodeToString(make([]byte, 32)),
	} {
		if login, err := room.CheckToken(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %+v, %v", name, login, err)
		}
	}
	key, ok := secrets.Get(st.Snapshot(), home.Key())
	if !ok {
		t.Fatal("no signing key in the store")
	}
	old, _ := json.Marshal(Login{Scope: home, Expires: time.Now().Add(-time.Second)})
	expired := enc.EncodeToString(old) + "." + enc.EncodeToString(sign(key.Value, old))
	if _, err := room.CheckToken(expired); !errors.Is(err, ErrTokenExpired) {
		t.Errorf("an expired token: %v", err)
	}
}

// A tag that is moved while its image is deleted must never point at nothing.
func TestTagsNeverDangle(t *testing.T) {
	room, st := openRoom(t, t.TempDir(), Config{})
	repo, err := room.CreateRepository(t.Context(), home, Repository{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	image := func(n int) Image { return Image{Digest: "sha256:" + strings.Repeat(string(rune('a'+n)), 64)} }
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 10 {
				if err := room.PutImage(t.Context(), home, "web", image(n%2), "latest"); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 10 {
				_, err := room.DeleteImage(t.Context(), home, "web", ImageID{Digest: image(n % 2).Digest})
				if _, gone := errors.AsType[*ImageNotFoundError](err); err != nil && !gone {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for tag := range Tags.List(st.Snapshot(), "") {
		if _, ok := Images.Get(st.Snapshot(), home.Key(repo.ID, tag.Digest)); !ok {
			t.Errorf("tag %s points at %s, which is gone", tag.Tag, tag.Digest)
		}
	}
}

// failing contents stand for a storage that is down while a repository is deleted.
type failing struct{ noContents }

func (failing) RemoveRepository(context.Context, *Repository) error {
	return errors.New("storage is down")
}

func TestDeletionIsFinishedLater(t *testing.T) {
	dir := t.TempDir()
	room, st := openRoom(t, dir, Config{Contents: failing{}})
	if _, err := room.CreateRepository(t.Context(), home, Repository{Name: "web"}); err != nil {
		t.Fatal(err)
	}
	for n := range 2*batch + 3 {
		digest := "sha256:" + strings.Repeat("0", 61) + string([]rune{'a' + rune(n/26/26), 'a' + rune(n/26%26), 'a' + rune(n%26)})
		if err := room.PutImage(t.Context(), home, "web", Image{Digest: digest}, "v"+digest[70:]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := room.DeleteRepository(t.Context(), home, "web", false); err == nil {
		t.Fatal("a repository with images was deleted without force")
	}
	if _, err := room.DeleteRepository(t.Context(), home, "web", true); err != nil {
		t.Fatal(err)
	}
	if _, err := room.Repository(home, "web"); err == nil {
		t.Error("the repository is still there")
	}
	if again, err := room.CreateRepository(t.Context(), home, Repository{Name: "web"}); err != nil {
		t.Error(err)
	} else if images, _ := room.Images(home, again.Name); len(images) != 0 {
		t.Errorf("a new repository of the same name has %d images", len(images))
	}

	st.Close()
	room, st = openRoom(t, dir, Config{})
	if err := room.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range dropped.List(st.Snapshot(), "") {
		t.Error("something is left to remove")
	}
	for range Images.List(st.Snapshot(), "") {
		t.Error("images of the deleted repository are left")
	}
}
