//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// volumeRows: volumes, mountPoints, volumesFrom (task_definition_parameters).
var volumeRows = []row{{
	name: "volume of a host path, read and written",
	def:  noting(box("main", "do", "wait /notes/from-host", "write /notes/from-container text")),
	check: func(t *testing.T, r *ran) {
		r.leave(t, "from-host")
		r.succeeds(t)
		if got := r.note(t, "from-container"); got != "text\n" {
			t.Errorf("the machine sees %q", got)
		}
	},
}, {
	name: "volume of a host path that is not there is made",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", "write", "/v/file", "text"), "new", "/v")},
		Volumes:              []types.Volume{hostVolume("new", "/not/there")},
	},
	check: func(t *testing.T, r *ran) {
		r.succeeds(t)
		if got := r.note(t, "not/there/file"); got != "text\n" {
			t.Errorf("the machine sees %q", got)
		}
	},
}, {
	name: "volume of a host path that is a file",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{
			after(mounting(box("main", "read", "/etc/one"), "one", "/etc/one"), "maker", onSuccess),
			mounting(beside("maker", "write", "/d/one", "text"), "dir", "/d"),
		},
		Volumes: []types.Volume{hostVolume("dir", ""), hostVolume("one", "/one")},
	},
	check: sees("/etc/one", "text\n"),
}, {
	name: "readOnly mount point", check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 1)
		if out := r.output(t, task, "main"); !strings.Contains(out, "/v/file: read-only file system") {
			t.Errorf("output %q", out)
		}
	},
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", "write", "/v/file", "text"), "v", "/v", true)},
		Volumes:              []types.Volume{hostVolume("v", "")},
	},
}, {
	name: "empty host: a scratch volume that the containers of the task share",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{
			after(mounting(box("main", "read", "/b/file"), "scratch", "/b"), "writer", onSuccess),
			mounting(beside("writer", "write", "/a/file", "text"), "scratch", "/a"),
		},
		Volumes: []types.Volume{{Name: aws.String("scratch"), Host: &types.HostVolumeProperties{}}},
	},
	check: func(t *testing.T, r *ran) {
		sees("/b/file", "text\n")(t, r)
		// Another task of the definition begins with an empty one.
		second := &ran{site: r.site, arn: r.run(t, *r.describe(t, r.arn).TaskDefinitionArn), dir: r.dir}
		if got := second.saw(t)["/b/file"]; got != "text\n" {
			t.Errorf("a second task sees %q", got)
		}
	},
}, {
	name: "a scratch volume takes what the image has there",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", "read", "/stuff/given"), "scratch", "/stuff")},
		Volumes:              []types.Volume{{Name: aws.String("scratch")}},
	},
	check: sees("/stuff/given", "by the image\n"),
}, {
	name: "a volume that the image declares", check: sees("/proc/self/mounts", " /declared "),
	def: of(box("main", "do", "has /declared/given", "write /declared/file text", "read /proc/self/mounts")),
}, {
	name: "volumesFrom, with the volumes that the image declares",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{
			after(from(box("main", "read", "/a/file", "/declared/file"), "writer"), "writer", onSuccess),
			mounting(beside("writer", "do", "write /a/file text", "write /declared/file more"), "scratch", "/a"),
		},
		Volumes: []types.Volume{{Name: aws.String("scratch")}},
	},
	check: func(t *testing.T, r *ran) {
		seen := r.saw(t)
		if seen["/a/file"] != "text\n" || seen["/declared/file"] != "more\n" {
			t.Errorf("saw %q", seen)
		}
	},
}, {
	name: "volumesFrom readOnly",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{
			from(box("main", "write", "/a/file", "text"), "owner", true),
			mounting(box("owner", "do", "write /a/own text", "sleep 3600"), "scratch", "/a"),
		},
		Volumes: []types.Volume{{Name: aws.String("scratch")}},
	},
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 1)
		if out := r.output(t, task, "main"); !strings.Contains(out, "/a/file: read-only file system") {
			t.Errorf("output %q", out)
		}
	},
}, {
	name: "docker volume of scope task",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{
			after(mounting(box("main", "read", "/b/file", "/b/given"), "own", "/b"), "writer", onSuccess),
			mounting(beside("writer", "write", "/stuff/file", "text"), "own", "/stuff"),
		},
		Volumes: []types.Volume{dockerVolume("own", types.DockerVolumeConfiguration{Scope: types.ScopeTask, Driver: aws.String("local")})},
	},
	check: func(t *testing.T, r *ran) {
		seen := r.saw(t)
		if seen["/b/file"] != "text\n" || seen["/b/given"] != "by the image\n" {
			t.Errorf("saw %q", seen)
		}
	},
}, {
	name: "docker volume of scope shared keeps its data from task to task",
	def:  sharing("kept", true, "do", "write /v/runs run", "read /v/runs"),
	check: func(t *testing.T, r *ran) {
		if got := r.saw(t)["/v/runs"]; got != "run\n" {
			t.Errorf("the first task sees %q", got)
		}
		second := &ran{site: r.site, arn: r.run(t, *r.describe(t, r.arn).TaskDefinitionArn), dir: r.dir}
		if got := second.saw(t)["/v/runs"]; got != "run\nrun\n" {
			t.Errorf("the second task sees %q", got)
		}
		// A definition that provisions none finds it.
		def := r.complete(sharing("kept", false, "read", "/v/runs"), r.dir)
		def.Family = aws.String("finds-a-shared-volume")
		third := &ran{site: r.site, arn: r.run(t, r.registerInput(t, &def)), dir: r.dir}
		if got := third.saw(t)["/v/runs"]; got != "run\nrun\n" {
			t.Errorf("the third task sees %q", got)
		}
	},
}, {
	name: "docker volume of scope shared without autoprovision",
	def:  sharing("absent", false, "exit", "0"),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotCreateVolumeError: ")
		if reason := aws.ToString(task.StoppedReason); !strings.Contains(reason, "absent") || !strings.Contains(reason, "autoprovision") {
			t.Errorf("reason %q", reason)
		}
	},
}, {
	name: "docker volume with driver options",
	def: definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", "do", "write /v/file text", "read /proc/self/mounts"), "fast", "/v")},
		Volumes: []types.Volume{dockerVolume("fast", types.DockerVolumeConfiguration{
			Scope: types.ScopeTask, DriverOpts: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=8m"},
		})},
	},
	check: mounted("/v", "tmpfs", "size=8192k"),
}, {
	name: "efs volume: the stand-in is one directory for all tasks",
	def:  efs("write", "/v/file", "text"),
	check: func(t *testing.T, r *ran) {
		r.succeeds(t)
		def := r.complete(efs("read", "/v/file"), r.dir)
		def.Family = aws.String("reads-efs")
		second := &ran{site: r.site, arn: r.run(t, r.registerInput(t, &def)), dir: r.dir}
		if got := second.saw(t)["/v/file"]; got != "text\n" {
			t.Errorf("another task sees %q", got)
		}
		found, err := filepath.Glob(filepath.Join(r.slipway.DataDir, "efs", "fs-0123456789abcdef0", "file"))
		if err != nil || len(found) != 1 {
			t.Errorf("the stand-in is not where the documentation says: %q, %v", found, err)
		}
	},
}}

func dockerVolume(name string, c types.DockerVolumeConfiguration) types.Volume {
	return types.Volume{Name: &name, DockerVolumeConfiguration: &c}
}

// sharing is a definition with a shared volume at /v.
func sharing(volume string, provision bool, command ...string) definition {
	c := types.DockerVolumeConfiguration{Scope: types.ScopeShared, Autoprovision: &provision}
	if provision {
		c.Labels = map[string]string{"team": "a"}
	}
	return definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", command...), volume, "/v")},
		Volumes:              []types.Volume{dockerVolume(volume, c)},
	}
}

// efs is a definition with an EFS file system at /v.
func efs(command ...string) definition {
	return definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", command...), "far", "/v")},
		Volumes: []types.Volume{{Name: aws.String("far"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{
			FileSystemId: aws.String("fs-0123456789abcdef0"),
		}}},
	}
}

// from makes a container take over the volumes of another one.
func from(c types.ContainerDefinition, name string, readOnly ...bool) types.ContainerDefinition {
	c.VolumesFrom = []types.VolumeFrom{{SourceContainer: &name, ReadOnly: aws.Bool(len(readOnly) > 0)}}
	return c
}

// TestVolumeDriverThatNoInstanceHas is refused where the task is placed: the
// definition requires the attribute ecs.capability.docker-plugin.<driver>.
func TestVolumeDriverThatNoInstanceHas(t *testing.T) {
	t.Parallel()
	s := shared
	in := s.complete(definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", "exit", "0"), "far", "/v")},
		Volumes:              []types.Volume{dockerVolume("far", types.DockerVolumeConfiguration{Scope: types.ScopeTask, Driver: aws.String("rexray/ebs")})},
	}, "")
	in.Family = aws.String("far-volume")
	tasks, failures := s.runAll(t, &ecs.RunTaskInput{TaskDefinition: aws.String(s.registerInput(t, &in))})
	if len(tasks) != 0 || len(failures) == 0 || aws.ToString(failures[0].Reason) != "ATTRIBUTE" {
		t.Errorf("%d tasks, failures %v", len(tasks), viewFailures(failures))
	}
}

// TestCleanUpKeepsSharedVolumes ends everything and starts it again: what tasks
// shared is still there, what was a task's own is not.
func TestCleanUpKeepsSharedVolumes(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	s.image = s.pushTools(t)
	run := func(def definition) *ran {
		r := &ran{site: s, dir: t.TempDir()}
		in := s.complete(def, r.dir)
		in.Family = aws.String("keeps")
		r.arn = s.run(t, s.registerInput(t, &in))
		return r
	}
	run(sharing("kept", true, "write", "/v/file", "shared")).succeeds(t)
	run(efs("write", "/v/file", "far")).succeeds(t)
	precious := t.TempDir()
	bound := definition{
		ContainerDefinitions: []types.ContainerDefinition{mounting(box("main", "write", "/v/file", "precious"), "bound", "/v")},
		Volumes: []types.Volume{dockerVolume("bound", types.DockerVolumeConfiguration{
			Scope: types.ScopeShared, Autoprovision: aws.Bool(true),
			DriverOpts: map[string]string{"type": "none", "o": "bind", "device": precious},
		})},
	}
	run(bound).succeeds(t)
	if err := s.slipway.Stop(); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	for _, c := range []struct {
		def  definition
		want string
	}{{sharing("kept", false, "read", "/v/file"), "shared\n"}, {efs("read", "/v/file"), "far\n"}} {
		if got := run(c.def).saw(t)["/v/file"]; got != c.want {
			t.Errorf("after a restart a task sees %q, want %q", got, c.want)
		}
	}
	run(bound).succeeds(t)
	// Not even the end of the instance takes what is not the instance's.
	if err := s.slipway.Stop(); err != nil {
		t.Fatal(err)
	}
	s.slipway.Args = []string{"--instances", "0"}
	s.start(t)
	for _, file := range []string{filepath.Join(precious, "file"), filepath.Join(s.slipway.DataDir, "efs", "fs-0123456789abcdef0", "file")} {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("data that was shared is lost: %v", err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(s.slipway.DataDir, "instances", "*")); err != nil || len(left) != 0 {
		t.Errorf("of the instance there is left %q, %v", left, err)
	}
}
