package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/v2/core/images"
	remoteerrors "github.com/containerd/containerd/v2/core/remotes/errors"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestNormalize(t *testing.T) {
	sum := "sha256:" + strings.Repeat("ab", 32)
	for _, c := range []struct{ ref, want, repo string }{
		{"busybox", "docker.io/library/busybox:latest", "docker.io/library/busybox"},
		{"me/app:2", "docker.io/me/app:2", "docker.io/me/app"},
		{"localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app"},
		{"127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b"},
		{"host.example/app:1@" + sum, "host.example/app@" + sum, "host.example/app"},
		{"Not Valid", "", ""},
		{"", "", ""},
	} {
		t.Run(c.ref, func(t *testing.T) {
			got, err := Normalize(c.ref)
			if got != c.want || (err != nil) != (c.want == "") {
				t.Fatalf("Normalize = %q, %v; want %q", got, err, c.want)
			}
			if got != "" && repository(got) != c.repo {
				t.Errorf("repository = %q, want %q", repository(got), c.repo)
			}
		})
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:80": true, "127.9.9.9": true, "[::1]:80": true,
		"docker.io": false, "10.0.0.1:5000": false, "localhost.example": false, "": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("isLoopback(%q) = %v", host, got)
		}
	}
}

func TestUsers(t *testing.T) {
	u := parseUsers("root:x:0:0::/root:/bin/sh\nbad line\nworker:x:1000:1001::/:/bin/sh\n99:x:5:5::/:\n", "root:x:0:\nworkers:x:1001:\nextra:x:7:other,worker\nshort:x\n")
	for _, c := range []struct{ spec, want string }{
		{"", "{0 0 []}"},
		{"root", "{0 0 []}"},
		{"worker", "{1000 1001 [7]}"},
		{"1000", "{1000 1001 [7]}"},
		{"4242", "{4242 0 []}"},
		{"99", "{5 5 []}"}, // a name that looks like a number
		{"worker:extra", "{1000 7 []}"},
		{"worker:55", "{1000 55 []}"},
		{"4242:workers", "{4242 1001 []}"},
		{"worker:", "{1000 1001 [7]}"},
		{"ghost", "unable to find user ghost: no matching entries in passwd file"},
		{"worker:ghosts", "unable to find group ghosts: no matching entries in group file"},
		{"-1", "unable to find user -1: no matching entries in passwd file"},
	} {
		t.Run(c.spec, func(t *testing.T) {
			id, err := u.Lookup(c.spec)
			got := fmt.Sprint(id)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestKind(t *testing.T) {
	status := func(code int) error {
		return fmt.Errorf("pull: %w", remoteerrors.ErrUnexpectedStatus{StatusCode: code})
	}
	for _, c := range []struct {
		name string
		at   step
		err  error
		want Kind
	}{
		{"no credentials", resolving, status(401), Auth},
		{"not allowed", copying, status(403), Auth},
		{"too many requests", resolving, status(429), Unreachable},
		{"bad gateway", copying, status(502), Unreachable},
		{"teapot", resolving, status(418), Manifest},
		{"unknown tag", resolving, fmt.Errorf("x: %w", errdefs.ErrNotFound), NotFound},
		{"no such platform", copying, fmt.Errorf("x: %w", errdefs.ErrNotFound), Manifest},
		{"no answer", resolving, errors.New("connection refused"), Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kind(c.at, c.err); got != c.want {
				t.Errorf("kind = %d, want %d", got, c.want)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	record := func(name string, age time.Duration, used ...time.Duration) images.Image {
		d := digest.FromString(name)
		img := images.Image{Name: "r/" + name + "@" + d.String(), Target: ocispec.Descriptor{Digest: d}, CreatedAt: now.Add(-age), Labels: map[string]string{}}
		for i, u := range used {
			img.Labels[fmt.Sprint(labelUsed, i)] = now.Add(-u).Format(time.RFC3339)
		}
		return img
	}
	tag := record("old", 9*time.Hour)
	tag.Name = "r/old:1"
	all := []images.Image{
		record("young", time.Minute), record("old", 9*time.Hour), record("used", 9*time.Hour, 8*time.Hour, time.Minute),
		record("older", 20*time.Hour, 15*time.Hour), record("kept", 30*time.Hour), tag,
	}
	names := func(limit int) []string {
		var out []string
		for _, img := range choose(all, func(n string) bool { return strings.HasPrefix(n, "r/kept") }, now.Add(-time.Hour), limit) {
			name, _, _ := strings.Cut(strings.TrimPrefix(img.Name, "r/"), "@")
			out = append(out, name)
		}
		return out
	}
	if got := names(10); !slices.Equal(got, []string{"older", "old"}) {
		t.Errorf("chose %q", got)
	}
	if got := names(1); !slices.Equal(got, []string{"older"}) {
		t.Errorf("chose %q of one", got)
	}
}

func TestChooseUntracked(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	record := func(name, content string, age time.Duration, labels map[string]string) images.Image {
		return images.Image{Name: name, Target: ocispec.Descriptor{Digest: digest.FromString(content)}, CreatedAt: now.Add(-age), Labels: labels}
	}
	ours := map[string]string{labelManaged: "true"}
	all := []images.Image{
		record("r/ours:1", "ours", 9*time.Hour, ours), record("r/same-as-ours:1", "ours", 9*time.Hour, nil),
		record("r/young:1", "young", time.Minute, nil), record("r/old:1", "old", 2*time.Hour, nil), record("r/older:1", "older", 3*time.Hour, nil),
		record("r/busy:1", "busy", 9*time.Hour, nil), record("r/also-busy:1", "busy", 9*time.Hour, nil),
		record("docker.io/library/excluded:latest", "excluded", 9*time.Hour, nil),
		record("docker.io/library/excluded@"+digest.FromString("excluded").String(), "excluded", 9*time.Hour, nil),
	}
	busy := inUse(all, []string{"r/busy:1"}, CleanupOptions{Exclude: []string{"excluded", "Not Valid"}})
	names := func(limit int) (out []string) {
		for _, img := range chooseUntracked(all, busy, now.Add(-time.Hour), limit) {
			out = append(out, img.Name)
		}
		return out
	}
	if got := names(9); !slices.Equal(got, []string{"r/older:1", "r/old:1"}) {
		t.Errorf("chose %q", got)
	}
	if got := names(1); !slices.Equal(got, []string{"r/older:1"}) {
		t.Errorf("chose %q of one", got)
	}
	if got := names(-1); len(got) > 0 {
		t.Errorf("chose %q of none", got)
	}
	if got := managed(all); len(got) != 1 || !busy("docker.io/library/excluded@"+digest.FromString("excluded").String()) {
		t.Errorf("managed: %v", got)
	}
}

func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{flights: map[string]*flight{}}
		runs, ended := 0, make(chan error, 1)
		work := func(ctx context.Context) (Image, error) {
			runs++
			select {
			case <-time.After(time.Second):
				return Image{Name: "x"}, nil
			case <-ctx.Done():
				ended <- ctx.Err()
				return Image{}, ctx.Err()
			}
		}
		first, leave := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { _, err := s.share(first, "k", work); results <- err }()
		synctest.Wait()
		go func() { _, err := s.share(t.Context(), "k", work); results <- err }()
		synctest.Wait()
		leave()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		if err := <-results; err != nil || runs != 1 {
			t.Errorf("who stayed got %v after %d runs", err, runs)
		}
		alone, leave := context.WithCancel(t.Context())
		go func() { _, err := s.share(alone, "k", work); results <- err }()
		synctest.Wait()
		leave()
		<-results
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("work that nobody waits for ended with %v", err)
		}
	})
}

func TestProgressWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{}
		err := p.watch(t.Context(), time.Minute, func(ctx context.Context) error {
			for range 5 {
				p.bytes.Add(1)
				<-time.After(50 * time.Second)
			}
			return nil
		})
		if err != nil {
			t.Errorf("slow but steady: %v", err)
		}
		unpacking := func(context.Context) error { <-time.After(time.Hour); return nil }
		if err := p.watch(t.Context(), time.Minute, unpacking); err != nil {
			t.Errorf("unpacking for long: %v", err)
		}
		p.open.Add(1)
		err = p.watch(t.Context(), time.Minute, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, errInactive) {
			t.Errorf("standing still: %v", err)
		}
	})
}
