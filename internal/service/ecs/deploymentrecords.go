package ecs

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// BreakerThreshold is the number of failed tasks at which the circuit breaker
// gives a deployment up: half of the desired count, at least 3, at most 200
// (deployment-circuit-breaker).
func BreakerThreshold(desired int) int { return min(max((desired+1)/2, 3), 200) }

// Over tells whether the deployment's own story, as DescribeServiceDeployments
// tells it, has ended.
func (d *Deployment) Over() bool {
	switch d.State {
	case StateSuccessful, StateStopped, StateRollbackSuccessful, StateRollbackFailed:
		return true
	}
	return false
}

// ServiceRef is the key part that live tasks and deployments of a service are
// indexed by.
func (s *Service) ServiceRef() string { return s.Scope.Key(s.Cluster, s.Name) }

// LiveDeployments returns the service's PRIMARY and ACTIVE deployments in order
// of creation.
func LiveDeployments(r store.Reader, s *Service) []*Deployment {
	var live []*Deployment
	for d := range Deployments.By(r, IndexLiveDeployments, s.ServiceRef()) {
		live = append(live, d)
	}
	return live
}

// LastCompleted finds the newest deployment before the given one that had
// completed: what a rollback goes back to. Those of a deleted service that had
// the same name do not count.
func LastCompleted(r store.Reader, s *Service, before *Deployment) (*Deployment, bool) {
	var last *Deployment
	for d := range Deployments.List(r, s.Scope.Prefix(s.Cluster, s.Name)) {
		if d.Seq >= before.Seq {
			break
		}
		if d.RolloutState == RolloutCompleted && !d.CreatedAt.Before(s.CreatedAt) {
			last = d
		}
	}
	return last, last != nil
}

// startDeployment makes a deployment of what the service now says the PRIMARY
// one; those before it become ACTIVE and their stories end.
func startDeployment(tx *store.Tx, s *Service, now time.Time) *Deployment {
	var sources []string
	for _, d := range LiveDeployments(tx, s) {
		sources = append(sources, d.Revision)
		supersede(tx, d, now)
	}
	rev := newRevision(s, now)
	Revisions.Put(tx, rev)
	s.LastDeployment++
	d := &Deployment{
		Scope: s.Scope, Cluster: s.Cluster, Service: s.Name, Seq: s.LastDeployment,
		ID: newDeploymentID(), LongID: newLongID(),
		Status: DeploymentPrimary, RolloutState: RolloutInProgress, State: StateInProgress,
		Revision: rev.ID, SourceRevisions: sources,
		TaskDefinition: s.TaskDefinition, DesiredCount: s.DesiredCount, Configuration: s.DeploymentConfiguration,
		CreatedAt: now, UpdatedAt: now, StartedAt: now,
	}
	d.RolloutStateReason = fmt.Sprintf("ECS deployment %s in progress.", d.ID)
	Deployments.Put(tx, d)
	return d
}

// supersede makes a deployment an earlier one.
func supersede(tx *store.Tx, d *Deployment, now time.Time) {
	c := *d
	c.Status, c.UpdatedAt = DeploymentActive, now
	c.EndStory(now, "Service deployment stopped because a newer service deployment was started.")
	Deployments.Put(tx, &c)
}

// EndStory ends the ServiceDeployment that has not ended yet; a rollback under
// way counts as failed.
func (d *Deployment) EndStory(now time.Time, reason string) {
	if d.Over() {
		return
	}
	d.State = StateStopped
	if d.Rollback != nil {
		d.State = StateRollbackFailed
	}
	d.StateReason, d.StoppedAt, d.FinishedAt = reason, now, now
}

func newRevision(s *Service, now time.Time) *Revision {
	return &Revision{
		Scope: s.Scope, Cluster: s.Cluster, Service: s.Name, ID: digits19(),
		TaskDefinition: s.TaskDefinition, LaunchType: s.LaunchType, PlatformVersion: s.PlatformVersion,
		CapacityProviderStrategy: s.CapacityProviderStrategy, NetworkConfiguration: s.NetworkConfiguration,
		LoadBalancers: s.LoadBalancers, ServiceRegistries: s.ServiceRegistries, CreatedAt: now,
	}
}

// Restore makes the service say again what a revision says.
func (s *Service) Restore(r *Revision) {
	s.TaskDefinition, s.LaunchType, s.PlatformVersion = r.TaskDefinition, r.LaunchType, r.PlatformVersion
	s.CapacityProviderStrategy, s.NetworkConfiguration = r.CapacityProviderStrategy, r.NetworkConfiguration
	s.LoadBalancers, s.ServiceRegistries = r.LoadBalancers, r.ServiceRegistries
}

func newDeploymentID() string { return "ecs-svc/" + digits19() }

// digits19 is a random number of exactly 19 digits, the form of the ids of
// deployments and revisions.
func digits19() string {
	const least, most = 1_000_000_000_000_000_000, 9_223_372_036_854_775_807
	return fmt.Sprint(least + rand.Int64N(most-least))
}

// newLongID is the end of a service-deployment ARN: 21 characters.
func newLongID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	id := make([]byte, 21)
	for i := range id {
		id[i] = letters[rand.IntN(len(letters))]
	}
	return string(id)
}
