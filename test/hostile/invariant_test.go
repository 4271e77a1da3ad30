package hostile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// broken tells in which ways the records of an account disagree with each other.
func broken(snap *store.Snapshot, s ecs.Scope) error {
	return errors.Join(brokenAllocations(snap, s), brokenRevisions(snap, s), brokenDeployments(snap, s))
}

// brokenAllocations: what an instance has given is what its tasks hold, and no
// port twice.
func brokenAllocations(snap *store.Snapshot, s ecs.Scope) error {
	var errs []error
	held := map[string]*ecs.Allocation{}
	for t := range ecs.Tasks.List(snap, s.Prefix()) {
		if t.Ended() || t.Instance == "" {
			continue
		}
		key := s.Key(t.Cluster, t.Instance)
		if held[key] == nil {
			held[key] = &ecs.Allocation{Scope: s, Cluster: t.Cluster, Instance: t.Instance, Groups: map[string]int{}}
		}
		errs = append(errs, hold(held[key], t))
	}
	for a := range ecs.Allocations.List(snap, s.Prefix()) {
		want := held[a.Key()]
		if want == nil {
			want = &ecs.Allocation{Scope: s, Cluster: a.Cluster, Instance: a.Instance}
		}
		delete(held, a.Key())
		if diff := cmp.Diff(want, a, cmpopts.EquateEmpty()); diff != "" {
			errs = append(errs, fmt.Errorf("allocation of %s (-its tasks +record):\n%s", a.Key(), diff))
		}
		if _, ok := ecs.Instances.Get(snap, a.Key()); !ok {
			errs = append(errs, fmt.Errorf("allocation %s is of no instance", a.Key()))
		}
	}
	for key := range held {
		errs = append(errs, fmt.Errorf("tasks on %s have no allocation", key))
	}
	return errors.Join(errs...)
}

// overdrawn: no instance has given more than it has. It holds as long as no agent
// registers again with less.
func overdrawn(snap *store.Snapshot, s ecs.Scope) error {
	var errs []error
	for a := range ecs.Allocations.List(snap, s.Prefix()) {
		inst, ok := ecs.Instances.Get(snap, a.Key())
		if ok && (a.Used.CPU > inst.Registered.CPU || a.Used.Memory > inst.Registered.Memory) {
			errs = append(errs, fmt.Errorf("instance %s has %+v and gave %+v", a.Key(), inst.Registered, a.Used))
		}
	}
	return errors.Join(errs...)
}

func hold(a *ecs.Allocation, t *ecs.Task) error {
	var err error
	if i := slices.IndexFunc(t.Need.TCP, func(p int32) bool { return slices.Contains(a.Used.TCP, p) }); i >= 0 {
		err = fmt.Errorf("two tasks on port %d of %s", t.Need.TCP[i], a.Key())
	}
	a.Tasks++
	a.Groups[t.Group]++
	a.Used.CPU += t.Need.CPU
	a.Used.Memory += t.Need.Memory
	a.Used.GPU += t.Need.GPU
	a.Used.TCP, a.Used.UDP = append(a.Used.TCP, t.Need.TCP...), append(a.Used.UDP, t.Need.UDP...)
	slices.Sort(a.Used.TCP)
	slices.Sort(a.Used.UDP)
	return err
}

// brokenRevisions: the revisions of a family that nobody deleted follow each
// other, up to the last that was given.
func brokenRevisions(snap *store.Snapshot, s ecs.Scope) error {
	var errs []error
	for f := range ecs.Families.List(snap, s.Prefix()) {
		var got []int
		for d := range ecs.TaskDefinitions.List(snap, s.Prefix(f.Name)) {
			got = append(got, d.Revision)
		}
		slices.Sort(got)
		if len(got) != f.LastRevision || len(slices.Compact(got)) != len(got) || len(got) > 0 && got[len(got)-1] != f.LastRevision {
			errs = append(errs, fmt.Errorf("family %s is at revision %d and has %v", f.Name, f.LastRevision, got))
		}
	}
	return errors.Join(errs...)
}

// brokenDeployments: an ACTIVE service has one PRIMARY deployment, and it is the
// one of its task definition.
func brokenDeployments(snap *store.Snapshot, s ecs.Scope) error {
	var errs []error
	for svc := range ecs.Services.List(snap, s.Prefix()) {
		var primary []*ecs.Deployment
		for d := range ecs.Deployments.By(snap, ecs.IndexLiveDeployments, s.Key(svc.Cluster, svc.Name)) {
			if d.Status == ecs.DeploymentPrimary {
				primary = append(primary, d)
			}
		}
		switch {
		case svc.Status == ecs.StatusActive && len(primary) != 1:
			errs = append(errs, fmt.Errorf("service %s has %d PRIMARY deployments", svc.Key(), len(primary)))
		case svc.Status == ecs.StatusActive && primary[0].TaskDefinition != svc.TaskDefinition:
			errs = append(errs, fmt.Errorf("service %s has %s and deploys %s", svc.Key(), svc.TaskDefinition, primary[0].TaskDefinition))
		case svc.DesiredCount < 0:
			errs = append(errs, fmt.Errorf("service %s wants %d tasks", svc.Key(), svc.DesiredCount))
		}
	}
	return errors.Join(errs...)
}
