package engine

import (
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

const (
	// MetadataDir is where a container sees the directory of its metadata file,
	// below a name of its own.
	MetadataDir = "/opt/ecs/metadata/"
	// MetadataFile is the file's name.
	MetadataFile = "ecs-container-metadata.json"
)

// addMetadata writes the first version of container i's metadata file and shows
// it to the container.
func (t *task) addMetadata(spec *ContainerSpec, rec Record, i int) error {
	files := t.engine.fx.Metadata
	if files == nil {
		return nil
	}
	dir, err := files.Write(t.describe(rec), i, false)
	if err != nil {
		return fmt.Errorf("write metadata file: %w", err)
	}
	at := MetadataDir + rec.Containers[i].EndpointID
	spec.Env = append(spec.Env, "ECS_CONTAINER_METADATA_FILE="+at+"/"+MetadataFile)
	spec.Mounts = append(spec.Mounts, Mount{Source: dir, Target: at})
	return nil
}

// completeMetadata writes what is known only of a running container. One that
// misses it goes on without, as with the ECS agent.
func (t *task) completeMetadata(rec Record, i int, at time.Time) {
	files := t.engine.fx.Metadata
	if files == nil {
		return
	}
	rec.Containers[i].Status, rec.Containers[i].StartedAt = lifecycle.Running, at
	if _, err := files.Write(t.describe(rec), i, true); err != nil {
		t.log.Warn("metadata file not completed", "container", rec.Task.Containers[i].Name, "error", err)
	}
}
