package volume

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/agentproto"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := New(filepath.Join(t.TempDir(), "volumes"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func docker(name string, cfg agentproto.DockerVolume) agentproto.Volume {
	return agentproto.Volume{Name: name, Type: "docker", DockerConfiguration: &cfg}
}

func TestSharedVolumeOutlivesEverything(t *testing.T) {
	s := newStore(t)
	v := docker("db", agentproto.DockerVolume{Scope: "shared", Autoprovision: true, Driver: "local", Labels: map[string]string{"a": "b"}})
	dir, copyUp, err := s.Docker("t1", v)
	if err != nil || !copyUp {
		t.Fatalf("Docker = %s, %t, %v", dir, copyUp, err)
	}
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.cfg) // the next agent
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range []string{"t1", "db"} { // a task may be called as a volume is
		if err := again.RemoveTask(task); err != nil {
			t.Error(err)
		}
	}
	if err := again.Sweep(func(string) bool { return false }); err != nil {
		t.Error(err)
	}
	if err := again.Unmount(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("data of a shared volume is lost: %v", err)
	}
	v.DockerConfiguration.Autoprovision = false
	if found, _, err := again.Docker("t2", v); err != nil || found != dir {
		t.Errorf("found again at %s, %v; want %s", found, err, dir)
	}
	list, err := again.List()
	if err != nil || len(list) != 1 || list[0].Name != "db" || list[0].Labels["a"] != "b" || list[0].Mountpoint != dir || list[0].CreatedAt.IsZero() {
		t.Errorf("List = %+v, %v", list, err)
	}
}

func TestTaskVolumeGoesWithItsTask(t *testing.T) {
	s := newStore(t)
	dir, copyUp, err := s.Docker("t1", docker("tmp", agentproto.DockerVolume{Scope: "task"}))
	if err != nil || !copyUp {
		t.Fatal(dir, copyUp, err)
	}
	if err := s.RemoveTask("t1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after RemoveTask: %v", err)
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v", list, err)
	}
}

func TestRefusedDockerVolumes(t *testing.T) {
	s := newStore(t)
	shared := func(cfg agentproto.DockerVolume) agentproto.DockerVolume {
		cfg.Scope, cfg.Autoprovision = "shared", true
		return cfg
	}
	for _, c := range []struct {
		name, volume, want string
		cfg                agentproto.DockerVolume
	}{
		{"absent", "none", "get none: no such volume", agentproto.DockerVolume{Scope: "shared"}},
		{"foreign driver", "v", `plugin "rexray/ebs" not found`, shared(agentproto.DockerVolume{Driver: "rexray/ebs"})},
		{"a path for a name", "../v", "includes invalid characters for a local volume name", shared(agentproto.DockerVolume{})},
		{"hidden", ".v", "includes invalid characters", shared(agentproto.DockerVolume{})},
		{"unknown option", "v", `invalid option: "uid"`, shared(agentproto.DockerVolume{DriverOpts: map[string]string{"uid": "7"}})},
		{"type alone", "v", `missing required option: "device"`, shared(agentproto.DockerVolume{DriverOpts: map[string]string{"type": "tmpfs"}})},
		{"size", "v", "no quota support", shared(agentproto.DockerVolume{DriverOpts: map[string]string{"size": "1g"}})},
		{"no such scope", "v", "is not one of task, shared", agentproto.DockerVolume{Scope: "machine"}},
		{"task scope provisioned", "v", "autoprovision", agentproto.DockerVolume{Scope: "task", Autoprovision: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if dir, _, err := s.Docker("t", docker(c.volume, c.cfg)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Docker = %s, %v; want %q", dir, err, c.want)
			}
		})
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("made all the same: %v, %v", list, err)
	}
}

func TestEFS(t *testing.T) {
	s := newStore(t)
	efs := func(fs, dir, point string) agentproto.Volume {
		cfg := &agentproto.EFSVolume{FileSystemID: fs, RootDirectory: dir}
		if point != "" {
			cfg.AuthorizationConfig = &agentproto.EFSAuthorization{AccessPointID: point}
		}
		return agentproto.Volume{Name: "v", Type: "efs", EFSConfiguration: cfg}
	}
	top, err := s.EFS(efs("fs-1", "/", ""))
	if err != nil || top != filepath.Join(s.cfg.EFS, "fs-1") {
		t.Fatalf("EFS = %s, %v", top, err)
	}
	if err := os.MkdirAll(filepath.Join(top, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"in": "a/b", "out": "../..", "absolute": "/etc"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, fs, dir, point, want, err string }{
		{"by default", "fs-1", "", "", "", ""},
		{"a directory", "fs-1", "/a/b/", "", "a/b", ""},
		{"up and down again", "fs-1", "/../a/./b", "", "a/b", ""},
		{"a link inside", "fs-1", "/in", "", "a/b", ""},
		{"access point", "fs-1", "/", "fsap-1", "fsap-1", ""},
		{"access point again", "fs-1", "", "fsap-1", "fsap-1", ""},
		{"absent", "fs-1", "/nope", "", "", "mounting fs-1:/nope failed, reason given by server: No such file or directory"},
		{"a link out", "fs-1", "/out", "", "", "No such file or directory"},
		{"an absolute link", "fs-1", "/absolute", "", "", "No such file or directory"},
		{"a path for an id", "../fs", "", "", "", "cannot name a directory"},
		{"access point and directory", "fs-1", "/a", "fsap-1", "", "must be omitted"},
		{"a path for an access point", "fs-1", "", "../x", "", "cannot name a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := s.EFS(efs(c.fs, c.dir, c.point))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("EFS = %s, %v; want %q", dir, err, c.err)
				}
				return
			}
			if err != nil || dir != filepath.Join(top, c.want) {
				t.Errorf("EFS = %s, %v; want %s", dir, err, filepath.Join(top, c.want))
			}
		})
	}
	if err := s.Sweep(func(string) bool { return false }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(top, "a", "b")); err != nil {
		t.Errorf("data of a file system is lost: %v", err)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a\134`: `/a\`, `/a\x`: `/a\x`, `\04`: `\04`} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
