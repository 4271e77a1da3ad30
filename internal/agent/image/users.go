package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	"github.com/google/uuid"
)

// Users are the accounts in an image's /etc/passwd and /etc/group.
type Users struct {
	users  []account
	groups []group
}

type account struct {
	name     string
	uid, gid uint32
}

type group struct {
	name    string
	gid     uint32
	members []string
}

// ID is a user as the kernel knows one.
type ID struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
}

// Lookup resolves "user", "uid", "user:group" and the like as Docker does: an
// unknown number is taken as it is, an unknown name is an error.
func (u Users) Lookup(spec string) (ID, error) {
	if spec == "" {
		spec = "0"
	}
	user, grp, hasGroup := strings.Cut(spec, ":")
	id, name, err := u.user(user)
	if err != nil {
		return ID{}, err
	}
	if hasGroup && grp != "" {
		id.GID, err = u.group(grp)
		return id, err
	}
	for _, g := range u.groups {
		for _, m := range g.members {
			if m == name && name != "" && g.gid != id.GID {
				id.Groups = append(id.Groups, g.gid)
			}
		}
	}
	return id, nil
}

func (u Users) user(s string) (ID, string, error) {
	n, numErr := strconv.ParseUint(s, 10, 31)
	for _, a := range u.users {
		if a.name == s || numErr == nil && a.uid == uint32(n) {
			return ID{UID: a.uid, GID: a.gid}, a.name, nil
		}
	}
	if numErr == nil {
		return ID{UID: uint32(n)}, "", nil
	}
	return ID{}, "", fmt.Errorf("unable to find user %s: no matching entries in passwd file", s)
}

func (u Users) group(s string) (uint32, error) {
	n, numErr := strconv.ParseUint(s, 10, 31)
	for _, g := range u.groups {
		if g.name == s || numErr == nil && g.gid == uint32(n) {
			return g.gid, nil
		}
	}
	if numErr == nil {
		return uint32(n), nil
	}
	return 0, fmt.Errorf("unable to find group %s: no matching entries in group file", s)
}

func parseUsers(passwd, groups string) Users {
	var u Users
	for f := range records(passwd, 4) {
		uid, uerr := strconv.ParseUint(f[2], 10, 32)
		gid, gerr := strconv.ParseUint(f[3], 10, 32)
		if uerr == nil && gerr == nil {
			u.users = append(u.users, account{f[0], uint32(uid), uint32(gid)})
		}
	}
	for f := range records(groups, 3) {
		gid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			continue
		}
		g := group{name: f[0], gid: uint32(gid)}
		if len(f) > 3 && f[3] != "" {
			g.members = strings.Split(f[3], ",")
		}
		u.groups = append(u.groups, g)
	}
	return u
}

// records yields the lines that have at least n colon-separated fields.
func records(data string, n int) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(data) {
			f := strings.Split(strings.TrimSpace(line), ":")
			if len(f) >= n && !yield(f) {
				return
			}
		}
	}
}

// users reads the accounts from the image's files: once per image, because it
// takes a mount.
func (c *Catalog) users(ctx context.Context, parent string) (Users, error) {
	sn := c.client.SnapshotService(c.snapshotter)
	if _, err := sn.Stat(ctx, parent); err != nil {
		return Users{}, fmt.Errorf("find unpacked layers: %w", err)
	}
	// Every reader has a view of its own: another one may end in the meantime.
	key := "users-" + uuid.NewString()
	mounts, err := sn.View(ctx, key, parent, snapshots.WithLabels(map[string]string{labelRoot: "view"}))
	if err != nil {
		return Users{}, fmt.Errorf("view unpacked layers: %w", err)
	}
	var users Users
	err = mount.WithReadonlyTempMount(ctx, mounts, func(dir string) error {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer root.Close()
		passwd, err := readSmall(root, "etc/passwd")
		if err != nil {
			return err
		}
		groups, err := readSmall(root, "etc/group")
		users = parseUsers(passwd, groups)
		return err
	})
	if rerr := sn.Remove(context.WithoutCancel(ctx), key); err == nil && rerr != nil && !errdefs.IsNotFound(rerr) {
		err = fmt.Errorf("remove view: %w", rerr)
	}
	return users, err
}

// labelRoot keeps containerd's garbage collector off a snapshot.
const labelRoot = "containerd.io/gc.root"

// readSmall reads a file inside the image; a link out of it, a missing file or
// something that is no file counts as empty.
func readSmall(root *os.Root, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return "", err
		}
		return "", nil
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(data), err
}
