package ecs

import (
	"context"
	"maps"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// SubmitTaskState is how an agent's word about a task reaches its record, and
// the only way in which a status is written. It is idempotent. A report of a
// task that is not known here is accepted and dropped: an agent would repeat
// it for ever (agent-side retries know one error that ends them, and none is
// needed).
func (r *Room) SubmitTaskState(ctx context.Context, s Scope, by Caller, cluster, task string, rep TaskReport) error {
	key, ok, err := r.reportedTask(s, by, cluster, task)
	if err != nil || !ok {
		return err
	}
	rep.round()
	return r.st.Update(ctx, func(tx *store.Tx) error {
		t, ok := Tasks.Get(tx, key)
		if !ok {
			return nil
		}
		def, _ := TaskDefinitions.Get(tx, s.Key(t.Family, revisionKey(t.Revision)))
		next := t.observed(rep, def, apiNow())
		if next == t {
			return nil
		}
		pinDigests(tx, next, def)
		if next.Ended() {
			release(tx, next)
			return nil
		}
		Tasks.Put(tx, next)
		return nil
	})
}

// SubmitContainerState is the older form of a report, of one container.
func (r *Room) SubmitContainerState(ctx context.Context, s Scope, by Caller, cluster, task string, rep ContainerReport) error {
	return r.SubmitTaskState(ctx, s, by, cluster, task, TaskReport{Containers: []ContainerReport{rep}})
}

// AttachmentReport is what an agent says of an ENI or a volume.
type AttachmentReport struct{ ARN, Status string }

// SubmitAttachments accepts reports about attachments. No attachment is made
// here, so none is known; like reports of unknown tasks, these are accepted and
// dropped.
func (r *Room) SubmitAttachments(_ context.Context, s Scope, cluster string, _ []AttachmentReport) error {
	_, err := anyCluster(r.st.Snapshot(), s, cluster)
	return err
}

// reportedTask finds the key of the task that an agent reports about; ok is
// false where there is no such task to write to.
func (r *Room) reportedTask(s Scope, by Caller, cluster, task string) (key string, ok bool, err error) {
	snap := r.st.Snapshot()
	c, err := anyCluster(snap, s, cluster)
	if err != nil {
		return "", false, err
	}
	name := c.Name
	// The ARN says better than the cluster member which task it is: agents send
	// the cluster that they were configured with.
	id, found := s.lastOf(task, "task")
	if !found {
		return "", false, nil
	}
	if a, err := arn.Parse(task); err == nil {
		name = clusterOfTask(a.Resource, name)
	}
	t, found := Tasks.Get(snap, s.Key(name, id))
	if !found {
		return "", false, nil
	}
	return t.Key(), true, mayReport(snap, by, t)
}

// mayReport refuses one instance's word about another one's task.
func mayReport(r store.Reader, by Caller, t *Task) error {
	inst, ok := Instances.Get(r, t.Scope.Key(t.Cluster, t.Instance))
	if ok && !by.MaySpeakFor(inst) {
		return apierr.Client("AccessDeniedException", "%s may not report about task %s.", by.ARN, t.ARN())
	}
	return nil
}

// pinDigests remembers, for the deployment that a task belongs to, which image
// a tag stood for when the first task of it was started; later tasks of the
// deployment get the digest (deployment-type-ecs, image resolution).
func pinDigests(tx *store.Tx, t *Task, def *TaskDefinition) {
	if t.Deployment == "" || def == nil {
		return
	}
	d := deploymentOf(tx, t)
	if d == nil {
		return
	}
	fresh := map[string]string{}
	for i := range def.Definition.ContainerDefinitions {
		c := &def.Definition.ContainerDefinitions[i]
		at := t.container(given(c.Name))
		if at < 0 || given(c.VersionConsistency) == "disabled" {
			continue
		}
		if digest := t.Containers[at].ImageDigest; digest != "" && d.Digests[given(c.Name)] == "" {
			fresh[given(c.Name)] = digest
		}
	}
	if len(fresh) == 0 {
		return
	}
	// Read again, guarded: only the first tasks of a deployment come here.
	if d, ok := Deployments.Get(tx, d.Key()); ok {
		next := *d
		next.Digests = maps.Clone(d.Digests)
		if next.Digests == nil {
			next.Digests = map[string]string{}
		}
		for name, digest := range fresh {
			if next.Digests[name] == "" {
				next.Digests[name] = digest
			}
		}
		Deployments.Put(tx, &next)
	}
}

// deploymentOf is the deployment that a service's task belongs to, nil for
// standalone tasks.
func deploymentOf(r store.Reader, t *Task) *Deployment {
	if t.Deployment == "" {
		return nil
	}
	for d := range Deployments.By(r, IndexDeploymentID, t.Scope.Key(t.Deployment)) {
		return d
	}
	return nil
}
