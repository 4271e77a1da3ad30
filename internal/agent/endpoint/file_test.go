package endpoint

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMetadataFile(t *testing.T) {
	f := FileConfig{
		Cluster: "default", ContainerInstanceARN: instanceARN, AvailabilityZone: "us-east-1a", HostPrivateIPv4Address: "10.0.0.5",
	}
	golden(t, "file-initial.json", string(f.InitialFile(bridged(), 0)))
	golden(t, "file-ready.json", string(f.ReadyFile(bridged(), 0)))
	golden(t, "file-ready-vpc.json", string(f.ReadyFile(ownNetwork(), 0)))
}

func TestMetadataFileIsReplaced(t *testing.T) {
	data := t.TempDir()
	dir, err := FileDir(data, taskARN, "web")
	if err != nil || dir != filepath.Join(data, "metadata", "default", "1f", "web") {
		t.Fatal(dir, err)
	}
	for _, text := range []string{"first", "second"} {
		if err := WriteFile(dir, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, FileName))
		if err != nil || string(got) != text {
			t.Fatal(string(got), err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Error(info, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Error("something was left:", files, err)
	}
	for range 2 {
		if err := RemoveFiles(data, taskARN); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Dir(dir)); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func TestMetadataFilesStayInTheirDirectory(t *testing.T) {
	for name, c := range map[string][2]string{
		"not an ARN":     {"task", "web"},
		"no task":        {"arn:aws:ecs:r:1:task", "web"},
		"task above":     {"arn:aws:ecs:r:1:task/../../x", "web"},
		"task empty":     {"arn:aws:ecs:r:1:task/", "web"},
		"task all":       {"arn:aws:ecs:r:1:task/.", "web"},
		"container up":   {taskARN, ".."},
		"container deep": {taskARN, "a/b"},
		"container none": {taskARN, ""},
	} {
		if dir, err := FileDir("/data", c[0], c[1]); err == nil {
			t.Errorf("%s: %s", name, dir)
		}
	}
}
