package session

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// The bounds of what an agent may say of its machine: more is not kept.
const (
	maxStatuses   = 16
	maxStatusText = 1024 // bytes
)

// task finds the task of an ARN, if it is one of the instance's.
func (i Instance) task(r store.Reader, taskARN string) (*ecs.Task, bool) {
	a, err := arn.Parse(taskARN)
	if err != nil {
		return nil, false
	}
	t, ok := ecs.Tasks.Get(r, i.Key(i.Cluster, a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]))
	if !ok || t.Instance != i.ID || t.ARN() != taskARN {
		return nil, false
	}
	return t, true
}

// ownMetrics are those about tasks of the instance and containers of these, one
// each: what is kept of an agent's words is bounded by what it was told to run.
func (i Instance) ownMetrics(r store.Reader, all []agentproto.TaskMetric) []agentproto.TaskMetric {
	var out []agentproto.TaskMetric
	for _, m := range all {
		t, ok := i.task(r, m.TaskARN)
		if !ok {
			continue
		}
		m.TaskDefinitionFamily, m.TaskDefinitionVersion = t.Family, strconv.Itoa(t.Revision)
		m.ClusterARN, m.ContainerMetrics = i.clusterARN(), ownContainers(t, m.ContainerMetrics)
		out = append(out, m)
	}
	return out
}

func ownContainers(t *ecs.Task, all []agentproto.ContainerMetric) []agentproto.ContainerMetric {
	var out []agentproto.ContainerMetric
	for i := range t.Containers {
		c := &t.Containers[i]
		at := slices.IndexFunc(all, func(m agentproto.ContainerMetric) bool { return m.ContainerName == c.Name })
		if at >= 0 {
			m := all[at]
			m.ContainerName, m.ContainerARN = c.Name, t.ContainerARN(c)
			out = append(out, m)
		}
	}
	return out
}

func boundedStatuses(all []agentproto.InstanceStatus) []agentproto.InstanceStatus {
	out := slices.Clone(all[:min(len(all), maxStatuses)])
	for i := range out {
		for _, text := range []*string{&out[i].Type, &out[i].Status, &out[i].StatusReason} {
			*text = strings.Clone((*text)[:min(len(*text), maxStatusText)])
		}
	}
	return out
}
