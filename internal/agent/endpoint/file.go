package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway/slipway/internal/agent/engine"
)

// FileName is the name of the container metadata file in its directory.
const FileName = "ecs-container-metadata.json"

// FileConfig is what all metadata files of an instance say
// (ECS_ENABLE_CONTAINER_METADATA).
type FileConfig struct {
	Cluster                string
	ContainerInstanceARN   string
	AvailabilityZone       string
	HostPrivateIPv4Address string
	HostPublicIPv4Address  string
}

// fileContent is the file (ECS Developer Guide, "Amazon ECS container metadata
// file").
type fileContent struct {
	Cluster                string        `json:",omitempty"`
	ContainerInstanceARN   string        `json:",omitempty"`
	TaskARN                string        `json:",omitempty"`
	TaskDefinitionFamily   string        `json:",omitempty"`
	TaskDefinitionRevision string        `json:",omitempty"`
	ContainerID            string        `json:",omitempty"`
	ContainerName          string        `json:",omitempty"`
	DockerContainerName    string        `json:",omitempty"`
	ImageID                string        `json:",omitempty"`
	ImageName              string        `json:",omitempty"`
	PortMappings           []fileBinding `json:",omitempty"`
	Networks               []Network     `json:",omitempty"`
	MetadataFileStatus     string        `json:",omitempty"`
	AvailabilityZone       string        `json:",omitempty"`
	HostPrivateIPv4Address string        `json:",omitempty"`
	HostPublicIPv4Address  string        `json:",omitempty"`
}

type fileBinding struct {
	ContainerPort int
	HostPort      int
	BindIP        string `json:"BindIp"`
	Protocol      string
}

// InitialFile is the file before container i of the task has started.
func (f FileConfig) InitialFile(v engine.View, i int) []byte {
	return f.initial(v, i).encode()
}

// ReadyFile is the file of a container that runs.
func (f FileConfig) ReadyFile(v engine.View, i int) []byte {
	c, spec := v.Containers[i], v.Task.Containers[i]
	out := f.initial(v, i)
	out.MetadataFileStatus = "READY"
	out.ContainerID, out.DockerContainerName = c.ID, "/"+c.Name
	out.ImageID, out.ImageName = c.Image.Digest, spec.Image
	p := place{v, i}
	for _, b := range bindings(p, v4) {
		out.PortMappings = append(out.PortMappings, fileBinding{b.ContainerPort, b.HostPort, b.HostIP, b.Protocol})
	}
	out.Networks = networks(p, v3)
	return out.encode()
}

func (f FileConfig) initial(v engine.View, i int) fileContent {
	return fileContent{
		Cluster: f.Cluster, ContainerInstanceARN: f.ContainerInstanceARN, TaskARN: v.Task.ARN,
		TaskDefinitionFamily: v.Task.Family, TaskDefinitionRevision: v.Task.Version,
		ContainerName: v.Task.Containers[i].Name, MetadataFileStatus: "INITIAL", AvailabilityZone: f.AvailabilityZone,
		HostPrivateIPv4Address: f.HostPrivateIPv4Address, HostPublicIPv4Address: f.HostPublicIPv4Address,
	}
}

func (c fileContent) encode() []byte {
	data, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		panic("encode metadata file: " + err.Error()) // it is made of strings and numbers
	}
	return data
}

// FileDir is the directory of a container's metadata file, which is what is
// mounted: files in it are replaced, not written to.
func FileDir(dataDir, taskARN, container string) (string, error) {
	task, err := taskDir(dataDir, taskARN)
	if err != nil {
		return "", err
	}
	if container == "" || !filepath.IsLocal(container) || strings.ContainsRune(container, filepath.Separator) {
		return "", fmt.Errorf("container name %q is no file name", container)
	}
	return filepath.Join(task, container), nil
}

// taskDir is the directory of a task's files: .../<cluster>/<task id>.
func taskDir(dataDir, taskARN string) (string, error) {
	parts := strings.SplitN(taskARN, ":", 6)
	_, id, ok := strings.Cut(parts[len(parts)-1], "/")
	if len(parts) != 6 || !ok || !filepath.IsLocal(id) || filepath.Clean(id) == "." {
		return "", fmt.Errorf("task ARN %q names no task", taskARN)
	}
	return filepath.Join(dataDir, "metadata", id), nil
}

// WriteFile puts a metadata file into the directory, which is made if absent.
// Readers see the file before or the one after, never a part of it.
func WriteFile(dir string, data []byte) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write metadata file: %w", err)
	}
	f, err := os.CreateTemp(dir, ".metadata-*")
	if err != nil {
		return fmt.Errorf("write metadata file: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, FileName))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write metadata file: %w", err)
	}
	return nil
}

// RemoveFiles deletes the metadata files of a task. That there are none is no
// error.
func RemoveFiles(dataDir, taskARN string) error {
	dir, err := taskDir(dataDir, taskARN)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove metadata files: %w", err)
	}
	return nil
}
