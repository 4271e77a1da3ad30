//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway/slipway/test/harness"
)

// row is one behaviour of task definitions: a definition, and what must come of
// a task of it. What a definition leaves out, such as its images, is filled in.
type row struct {
	name  string
	def   definition
	run   func(*ecs.RunTaskInput)
	check func(t *testing.T, r *ran)
}

type definition = ecs.RegisterTaskDefinitionInput

// ran is the task of a row.
type ran struct {
	*site
	arn string
	dir string // what the volume of hostVolume shows, on this machine
}

// hostPath stands for the row's own directory on the machine.
const hostPath = "DIR"

// missingTag stands for an image of the registry that has no such tag.
const missingTag = "nosuchtag"

// TestTaskDefinitions runs a task for every row, all on one instance, side by
// side: what one of them does must not disturb the others.
func TestTaskDefinitions(t *testing.T) {
	t.Parallel()
	limit := []string{"ECS_TASK_PIDS_LIMIT=256"}
	s := ownSiteWith(t, limit, "--instances", "1", "--instance-type", "t3.2xlarge")
	s.image = s.pushTools(t)
	// The slow ones begin first and are looked at last: they mostly wait.
	slow := slices.Concat(restartRows, healthRows)
	begun := make([]*ran, len(slow))
	for i, r := range slow {
		begun[i] = s.begin(t, r)
	}
	t.Run("quick", func(t *testing.T) {
		for _, r := range slices.Concat(orderRows, endRows, processRows, kernelRows, limitRows, volumeRows, networkRows) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.check(t, s.begin(t, r))
			})
		}
	})
	t.Run("slow", func(t *testing.T) {
		for i, r := range slow {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.check(t, begun[i])
			})
		}
	})
}

// begin runs the task of a row.
func (s *site) begin(t *testing.T, r row) *ran {
	t.Helper()
	task := &ran{site: s, dir: t.TempDir()}
	in := s.complete(r.def, task.dir)
	if in.Family == nil {
		in.Family = aws.String(family(r.name))
	}
	task.arn = s.run(t, s.registerInput(t, &in), func(in *ecs.RunTaskInput) {
		if r.run != nil {
			r.run(in)
		}
	})
	return task
}

// family makes a name a family's.
func family(name string) string {
	return regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-")
}

// complete fills in what a row's definition leaves out.
func (s *site) complete(def definition, dir string) definition {
	def.ContainerDefinitions = slices.Clone(def.ContainerDefinitions)
	for i := range def.ContainerDefinitions {
		c := &def.ContainerDefinitions[i]
		switch aws.ToString(c.Image) {
		case "":
			c.Image = &s.image
		case missingTag:
			c.Image = aws.String(s.slipway.Listen + "/web:" + missingTag)
		}
		if c.Memory == nil && c.MemoryReservation == nil && def.Memory == nil {
			c.Memory = aws.Int32(64)
		}
	}
	def.Volumes = slices.Clone(def.Volumes)
	for i, v := range def.Volumes {
		if v.Host != nil && strings.HasPrefix(aws.ToString(v.Host.SourcePath), hostPath) {
			path := dir + strings.TrimPrefix(*v.Host.SourcePath, hostPath)
			def.Volumes[i].Host = &types.HostVolumeProperties{SourcePath: &path}
		}
	}
	return def
}

// box is a container that runs a command of web.
func box(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{Name: &name, Command: command}
}

// beside is a container that is not essential.
func beside(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{Name: &name, Command: command, Essential: aws.Bool(false)}
}

// with changes a container.
func with(c types.ContainerDefinition, change func(*types.ContainerDefinition)) types.ContainerDefinition {
	change(&c)
	return c
}

// linux gives a container Linux parameters.
func linux(c types.ContainerDefinition, p types.LinuxParameters) types.ContainerDefinition {
	c.LinuxParameters = &p
	return c
}

// after makes a container wait for another one.
func after(c types.ContainerDefinition, name string, condition types.ContainerCondition) types.ContainerDefinition {
	c.DependsOn = append(slices.Clone(c.DependsOn), types.ContainerDependency{ContainerName: &name, Condition: condition})
	return c
}

// mounting mounts a volume in a container.
func mounting(c types.ContainerDefinition, volume, path string, readOnly ...bool) types.ContainerDefinition {
	m := types.MountPoint{SourceVolume: &volume, ContainerPath: &path, ReadOnly: aws.Bool(len(readOnly) > 0)}
	c.MountPoints = append(slices.Clone(c.MountPoints), m)
	return c
}

// of is a definition of these containers.
func of(containers ...types.ContainerDefinition) definition {
	return definition{ContainerDefinitions: containers}
}

// noting is a definition whose containers all see the row's directory as /notes.
func noting(containers ...types.ContainerDefinition) definition {
	for i := range containers {
		containers[i] = mounting(containers[i], "notes", "/notes")
	}
	return definition{ContainerDefinitions: containers, Volumes: []types.Volume{hostVolume("notes", "")}}
}

// hostVolume is a volume at a path in the row's directory.
func hostVolume(name, path string) types.Volume {
	return types.Volume{Name: &name, Host: &types.HostVolumeProperties{SourcePath: aws.String(hostPath + path)}}
}

func (r *ran) stopped(t *testing.T) types.Task {
	t.Helper()
	return r.await(t, r.arn, "STOPPED")
}

func (r *ran) running(t *testing.T) types.Task {
	t.Helper()
	return r.await(t, r.arn, "RUNNING")
}

// succeeds waits until the task has stopped and its containers have exited with 0.
func (r *ran) succeeds(t *testing.T) types.Task {
	t.Helper()
	task := r.stopped(t)
	for _, c := range task.Containers {
		if aws.ToInt32(c.ExitCode) != 0 || c.ExitCode == nil {
			t.Fatalf("container %s: %v\n%s", *c.Name, taskView{task}, r.said(t, task, *c.Name))
		}
	}
	return task
}

// said is the output of a container, for messages.
func (r *ran) said(t *testing.T, task types.Task, name string) string {
	if container(t, task, name).RuntimeId == nil {
		return ""
	}
	return r.output(t, task, name)
}

// saw is what `web read` printed in the container main, by path.
func (r *ran) saw(t *testing.T) map[string]string {
	t.Helper()
	return r.sawIn(t, "main")
}

func (r *ran) sawIn(t *testing.T, name string) map[string]string {
	t.Helper()
	return sightings(t, r.output(t, r.succeeds(t), name))
}

// sightings finds the last line of JSON in an output.
func sightings(t *testing.T, output string) map[string]string {
	t.Helper()
	var seen map[string]string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &seen); err != nil {
				t.Fatal(err)
			}
		}
	}
	if seen == nil {
		t.Fatalf("no sightings in %q", output)
	}
	return seen
}

// note waits until there is a file in the row's directory, and returns its text.
func (r *ran) note(t *testing.T, name string) string {
	t.Helper()
	return eventually(t, "note "+name, func() (string, bool) {
		b, err := os.ReadFile(filepath.Join(r.dir, name))
		return string(b), err == nil && len(b) > 0
	})
}

// leave makes a file in the row's directory, for which containers may wait.
func (r *ran) leave(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte("go\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// prints checks the output of the container main of a task that succeeds.
func prints(want string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		if out := r.output(t, r.succeeds(t), "main"); out != want {
			t.Errorf("output %q, want %q", out, want)
		}
	}
}

// sees checks that what the container main read at a path contains a text.
func sees(path string, want ...string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		seen := r.saw(t)
		for _, w := range want {
			if !strings.Contains(seen[path], w) {
				t.Errorf("%s holds %q, which lacks %q", path, seen[path], w)
			}
		}
	}
}

// fails checks why a task did not start, and that the container main has the
// same reason and no exit code.
func fails(reason string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		task := r.stopped(t)
		reason := strings.ReplaceAll(reason, "IMAGE", aws.ToString(task.Containers[0].Image))
		if task.StopCode != types.TaskStopCodeTaskFailedToStart || aws.ToString(task.StoppedReason) != reason {
			t.Errorf("stopped by %q, %q;\nwant %q", task.StopCode, aws.ToString(task.StoppedReason), reason)
		}
		main := container(t, task, "main")
		if aws.ToString(main.Reason) != reason || main.ExitCode != nil || task.StartedAt != nil {
			t.Errorf("container: %v", taskView{task})
		}
	}
}

// pushTools pushes the web image with what most images have: a shell, users, and
// directories.
func (s *site) pushTools(t *testing.T) string {
	t.Helper()
	img, err := toolsImage()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	uri, err := harness.PushImage(ctx, s.aws, "tools", "1", img)
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

func toolsImage() (v1.Image, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	file := func(name, text string) error {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))})
		_, werr := io.WriteString(w, text)
		return errors.Join(err, werr)
	}
	err := errors.Join(
		w.WriteHeader(&tar.Header{Name: "bin/sh", Typeflag: tar.TypeSymlink, Linkname: "/web", Mode: 0o777}),
		file("etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1234:2345::/home:/bin/sh\n"),
		file("etc/group", "root:x:0:\nstaff:x:2345:\nextra:x:3456:alice\n"),
		file("stuff/given", "by the image\n"),
		file("declared/given", "by the image\n"),
		w.Close(),
	)
	if err != nil {
		return nil, fmt.Errorf("make the tools' layer: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(webImage, layer)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Config.Cmd = []string{"print", "the image's command"}
	config.Config.Volumes = map[string]struct{}{"/declared": {}}
	// ECS does not report a health check of the image (task_definition_parameters).
	config.Config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "/web", "exit", "1"}, Interval: 1e9, Retries: 1}
	return mutate.ConfigFile(img, config)
}
