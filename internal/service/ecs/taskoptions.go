package ecs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// TaskOptions is what RunTask and StartTask have in common.
type TaskOptions struct {
	Cluster        string // name, ARN or "" for the default one
	TaskDefinition string // family, family:revision or ARN
	Group          string
	StartedBy      string
	ReferenceID    string

	NetworkConfiguration *ecsshape.NetworkConfiguration
	Overrides            *ecsshape.TaskOverride
	VolumeConfigurations []ecsshape.TaskVolumeConfiguration

	Tags                 []tag.Tag
	PropagateTags        string
	EnableECSManagedTags bool
	EnableExecuteCommand bool
}

// Limits of the API reference (RunTask, StartTask) and of service-quotas.
const (
	maxOverrides   = 8192
	maxReferenceID = 1024
	maxGroup       = 255
)

var startedByPattern = regexp.MustCompile(`^[A-Za-z0-9_/.:-]*$`)

// resolved is a request whose names have been found.
type resolvedTask struct {
	cluster *Cluster
	def     *TaskDefinition
}

// resolve checks the options and finds what they name. maxStartedBy differs
// between RunTask and StartTask.
func (o *TaskOptions) resolve(r store.Reader, s Scope, maxStartedBy int) (resolvedTask, error) {
	c, err := activeCluster(r, s, o.Cluster)
	if err != nil {
		return resolvedTask{}, err
	}
	def, err := runnableTaskDefinition(r, s, o.TaskDefinition)
	if err != nil {
		return resolvedTask{}, err
	}
	if err := o.check(maxStartedBy); err != nil {
		return resolvedTask{}, err
	}
	if err := o.normaliseOverrides(s, &def.Definition); err != nil {
		return resolvedTask{}, err
	}
	if err := checkNetwork(&def.Definition, o.NetworkConfiguration); err != nil {
		return resolvedTask{}, err
	}
	if err := checkVolumes(&def.Definition, o.VolumeConfigurations); err != nil {
		return resolvedTask{}, err
	}
	if err := checkServed(&def.Definition); err != nil {
		return resolvedTask{}, err
	}
	return resolvedTask{c, def}, nil
}

func (o *TaskOptions) check(maxStartedBy int) error {
	switch {
	case strings.HasPrefix(o.Group, "family:"), strings.HasPrefix(o.Group, "service:"):
		return ErrInvalidParameter("Invalid group name %s: the prefixes family: and service: are reserved.", o.Group)
	case len(o.Group) > maxGroup:
		return ErrInvalidParameter("Group name should have at most %d characters.", maxGroup)
	case len(o.StartedBy) > maxStartedBy:
		return ErrInvalidParameter("startedBy should have at most %d characters.", maxStartedBy)
	case !startedByPattern.MatchString(o.StartedBy):
		return ErrInvalidParameter("startedBy contains invalid characters.")
	case len(o.ReferenceID) > maxReferenceID:
		return ErrInvalidParameter("referenceId should have at most %d characters.", maxReferenceID)
	case o.PropagateTags == ecsshape.PropagateTagsService:
		return ErrInvalidParameter("Tags can be propagated from SERVICE only to the tasks of a service.")
	}
	if err := tag.Check(nil, o.Tags); err != nil {
		return ErrInvalidParameter("%s", err)
	}
	return nil
}

// normaliseOverrides checks the overrides against the definition and replaces
// them by a copy with cpu and memory as integers.
func (o *TaskOptions) normaliseOverrides(s Scope, d *ecsshape.TaskDefinition) error {
	if o.Overrides == nil {
		return nil
	}
	text, err := json.Marshal(o.Overrides)
	if err != nil {
		return fmt.Errorf("encode overrides: %w", err)
	}
	if len(text) > maxOverrides {
		return ErrInvalidParameter("Container Overrides length must be at most %d", maxOverrides)
	}
	for i := range o.Overrides.ContainerOverrides {
		if err := checkContainerOverride(d, &o.Overrides.ContainerOverrides[i]); err != nil {
			return err
		}
	}
	over := *o.Overrides
	if err := rolesOf(s, &ecsshape.TaskDefinition{}, &over).check(s); err != nil {
		return err
	}
	if over.Cpu, err = normalAmount(over.Cpu, cpuUnits, "cpu"); err != nil {
		return err
	}
	if over.Memory, err = normalAmount(over.Memory, memoryMiB, "memory"); err != nil {
		return err
	}
	o.Overrides = &over
	return nil
}

func normalAmount(s *string, parse func(string) (int64, bool), name string) (*string, error) {
	if s == nil {
		return nil, nil
	}
	n, ok := parse(*s)
	if !ok {
		return nil, ErrInvalidParameter("Invalid '%s' setting for task override: %s", name, *s)
	}
	return new(strconv.FormatInt(n, 10)), nil
}

func checkContainerOverride(d *ecsshape.TaskDefinition, o *ecsshape.ContainerOverride) error {
	name := given(o.Name)
	known := false
	for i := range d.ContainerDefinitions {
		known = known || given(d.ContainerDefinitions[i].Name) == name
	}
	if !known {
		return ErrInvalidParameter("Override for container named %s is not a container in the TaskDefinition.", name)
	}
	for _, n := range []struct {
		name  string
		value *int32
	}{{"cpu", o.Cpu}, {"memory", o.Memory}, {"memoryReservation", o.MemoryReservation}} {
		if given(n.value) < 0 {
			return ErrInvalidParameter("Invalid '%s' setting for container '%s': it must not be negative.", n.name, name)
		}
	}
	for i := range o.Environment {
		if given(o.Environment[i].Name) == "" {
			return ErrInvalidParameter("Environment variable names of container '%s' must not be empty.", name)
		}
	}
	return checkEnvironmentFiles(name, o.EnvironmentFiles)
}

// checkNetwork applies api_failures_messages to the network configuration.
// awsvpc is known and refused: it needs interfaces, which Slipway does not make.
func checkNetwork(d *ecsshape.TaskDefinition, n *ecsshape.NetworkConfiguration) error {
	configured := n != nil && n.AwsvpcConfiguration != nil
	switch awsvpc := networkMode(d) == "awsvpc"; {
	case awsvpc && !configured:
		return ErrInvalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case !awsvpc && configured:
		return ErrInvalidParameter("Network Configuration is not valid for the given networkMode of this task definition.")
	case awsvpc:
		return ErrClient("This Slipway has no network interfaces for networkMode 'awsvpc'; use bridge, host or none.")
	}
	return nil
}

func checkVolumes(d *ecsshape.TaskDefinition, configurations []ecsshape.TaskVolumeConfiguration) error {
	atLaunch := len(configurations) > 0
	for i := range d.Volumes {
		atLaunch = atLaunch || given(d.Volumes[i].ConfiguredAtLaunch)
	}
	if atLaunch {
		return ErrClient("This Slipway has no EBS volumes to attach at launch.")
	}
	return nil
}

// taskTags are the tags that a new task gets: those of its definition if asked
// for, then the user's, then the managed ones (ecs-using-tags).
func taskTags(def *TaskDefinition, o *TaskOptions, cluster string) []tag.Tag {
	var tags []tag.Tag
	if o.PropagateTags == ecsshape.PropagateTagsTaskDefinition {
		tags = def.Tags
	}
	tags = tag.Merge(tags, o.Tags)
	if o.EnableECSManagedTags {
		tags = append(tags, managedTags(cluster, "")...)
	}
	return tags
}
