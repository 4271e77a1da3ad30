package ecs

import (
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// DefaultCluster is the cluster that is meant when a request names none.
const DefaultCluster = "default"

// ClusterName turns what a request says of a cluster (nothing, a short name or
// an ARN) into its name. An ARN of another account or region names no cluster
// here, which ok tells.
func (s Scope) ClusterName(ref string) (name string, ok bool) {
	if ref == "" {
		return DefaultCluster, true
	}
	return s.lastOf(ref, "cluster")
}

// lastOf returns the last path element of an ARN of the given ECS resource type
// in this scope, or ref itself when it is no ARN.
func (s Scope) lastOf(ref, kind string) (string, bool) {
	if !strings.HasPrefix(ref, "arn:") {
		return ref, ref != "" && !strings.Contains(ref, "/")
	}
	a, err := arn.Parse(ref)
	if err != nil || a.Service != "ecs" || a.Account != s.Account || a.Region != s.Region {
		return "", false
	}
	rest, ok := strings.CutPrefix(a.Resource, kind+"/")
	if !ok || rest == "" {
		return "", false
	}
	return rest[strings.LastIndexByte(rest, '/')+1:], true
}

// activeCluster finds the ACTIVE cluster that a request means.
func activeCluster(r store.Reader, s Scope, ref string) (*Cluster, error) {
	name, ok := s.ClusterName(ref)
	if !ok {
		return nil, ErrClusterNotFound()
	}
	c, found := Clusters.Get(r, s.Key(name))
	switch {
	case !found:
		return nil, ErrClusterNotFound()
	case c.Status != StatusActive:
		return nil, ErrClusterInactive()
	}
	return c, nil
}

// TaskDefinitionRef is what a request says of a task definition.
type TaskDefinitionRef struct {
	Family   string
	Revision int // 0: the latest ACTIVE one
}

// ParseTaskDefinitionRef reads "family", "family:revision" or an ARN of this
// scope.
func (s Scope) ParseTaskDefinitionRef(ref string) (TaskDefinitionRef, bool) {
	name, ok := s.lastOf(ref, "task-definition")
	if !ok {
		return TaskDefinitionRef{}, false
	}
	family, rev, explicit := strings.Cut(name, ":")
	if !explicit {
		return TaskDefinitionRef{Family: family}, family != ""
	}
	n, err := strconv.Atoi(rev)
	if err != nil || n < 1 || family == "" {
		return TaskDefinitionRef{}, false
	}
	return TaskDefinitionRef{Family: family, Revision: n}, true
}

// findTaskDefinition returns the revision that ref means in any status, or the
// family's latest ACTIVE one when ref names no revision.
func findTaskDefinition(r store.Reader, s Scope, ref string) (*TaskDefinition, bool) {
	p, ok := s.ParseTaskDefinitionRef(ref)
	if !ok {
		return nil, false
	}
	if p.Revision > 0 {
		return TaskDefinitions.Get(r, s.Key(p.Family, revisionKey(p.Revision)))
	}
	var latest *TaskDefinition
	for d := range TaskDefinitions.List(r, s.Prefix(p.Family)) {
		if d.Status == StatusActive {
			latest = d
		}
	}
	return latest, latest != nil
}

// runnableTaskDefinition returns the ACTIVE revision that a new task or a
// service may use, or AWS's error.
func runnableTaskDefinition(r store.Reader, s Scope, ref string) (*TaskDefinition, error) {
	d, ok := findTaskDefinition(r, s, ref)
	switch {
	case !ok:
		return nil, ErrClient("TaskDefinition not found.")
	case d.Status != StatusActive:
		return nil, ErrClient("TaskDefinition is inactive")
	}
	return d, nil
}
