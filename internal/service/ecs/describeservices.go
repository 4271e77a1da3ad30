package ecs

import (
	"cmp"
	"slices"

	"github.com/slipway/slipway/internal/store"
)

// maxDescribeServices is how many services one DescribeServices names.
const maxDescribeServices = 10

// ServiceView is a service as it is described: with what it runs, what is being
// rolled out and what happened.
type ServiceView struct {
	Service     *Service
	Counts      TaskCount
	Deployments []DeploymentView // PRIMARY first, then the newest
	Revisions   []RevisionView   // of the deployments above
	Newest      *Deployment      // the newest service deployment; nil if there is none
	Events      []*ServiceEvent  // the newest first
}

// DeploymentView is a deployment with its counts and what its revision says.
type DeploymentView struct {
	*Deployment
	Desired int
	Counts  TaskCount
	Runs    *Revision // what it brings; nil if unknown
}

// RevisionView is a service revision with its counts.
type RevisionView struct {
	ARN       string
	Requested int
	Counts    TaskCount
}

// DescribeServices describes services by name or ARN; missing are those refs
// that mean none.
func (r *Room) DescribeServices(scope Scope, cluster string, refs []string) (views []*ServiceView, missing []string, err error) {
	snap := r.st.Snapshot()
	c, err := clusterOfServices(snap, scope, cluster)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(refs) == 0:
		return nil, nil, ErrInvalidParameter("Services cannot be empty.")
	case len(refs) > maxDescribeServices:
		return nil, nil, ErrInvalidParameter("Services cannot have more than %d elements.", maxDescribeServices)
	}
	for _, ref := range refs {
		if s, ok := serviceByRef(snap, scope, c, ref); ok {
			views = append(views, viewService(snap, s))
			continue
		}
		missing = append(missing, scope.serviceARNOf(c, ref))
	}
	return views, missing, nil
}

// clusterOfServices finds a cluster in whatever status: what was in a deleted one is
// still described.
func clusterOfServices(r store.Reader, scope Scope, ref string) (*Cluster, error) {
	name, ok := scope.ClusterName(ref)
	if !ok {
		return nil, ErrClusterNotFound()
	}
	c, ok := Clusters.Get(r, scope.Key(name))
	if !ok {
		return nil, ErrClusterNotFound()
	}
	return c, nil
}

func serviceByRef(r store.Reader, scope Scope, c *Cluster, ref string) (*Service, bool) {
	name, ok := scope.lastOf(ref, "service")
	if !ok {
		return nil, false
	}
	return Services.Get(r, scope.Key(c.Name, name))
}

// serviceARNOf is the ARN that failures[] names for a reference to nothing.
func (s Scope) serviceARNOf(c *Cluster, ref string) string {
	if name, ok := s.lastOf(ref, "service"); ok {
		return s.ARN("service/" + c.Name + "/" + name)
	}
	return ref
}

func viewService(r store.Reader, s *Service) *ServiceView {
	v := &ServiceView{
		Service: s, Events: RecentServiceEvents(r, s),
		Counts: CountServiceTasks(r, s.Scope, s.Cluster, s.Name),
	}
	for _, d := range LiveDeployments(r, s) {
		v.Deployments = append(v.Deployments, viewDeployment(r, s, d))
	}
	slices.SortStableFunc(v.Deployments, primaryThenNewest)
	for _, d := range v.Deployments {
		v.addRevision(&d)
	}
	if newest, ok := Deployments.Get(r, deploymentKey(s, s.LastDeployment)); ok {
		v.Newest = newest
	}
	return v
}

func viewDeployment(r store.Reader, s *Service, d *Deployment) DeploymentView {
	v := DeploymentView{Deployment: d, Counts: CountDeploymentTasks(r, s.Scope, s.Cluster, d.ID)}
	v.Desired = v.Counts.Running + v.Counts.Pending
	if d.Status == DeploymentPrimary {
		v.Desired = s.DesiredCount
	}
	v.Runs, _ = Revisions.Get(r, revisionKeyOf(d, d.Revision))
	return v
}

// addRevision sums up the deployments that bring the same revision.
func (v *ServiceView) addRevision(d *DeploymentView) {
	arn := RevisionARN(d.Deployment, d.Revision)
	i := slices.IndexFunc(v.Revisions, func(r RevisionView) bool { return r.ARN == arn })
	if i < 0 {
		i = len(v.Revisions)
		v.Revisions = append(v.Revisions, RevisionView{ARN: arn})
	}
	v.Revisions[i].Requested += d.Desired
	v.Revisions[i].Counts.Running += d.Counts.Running
	v.Revisions[i].Counts.Pending += d.Counts.Pending
}

// primaryThenNewest is the order of deployments[].
func primaryThenNewest(a, b DeploymentView) int {
	aPrimary, bPrimary := a.Status == DeploymentPrimary, b.Status == DeploymentPrimary
	switch {
	case aPrimary != bPrimary && aPrimary:
		return -1
	case aPrimary != bPrimary:
		return 1
	}
	return cmp.Compare(b.Seq, a.Seq)
}

func deploymentKey(s *Service, seq int64) string {
	return (&Deployment{Scope: s.Scope, Cluster: s.Cluster, Service: s.Name, Seq: seq}).Key()
}

// revisionKeyOf is the store key of a revision of the deployment's service.
func revisionKeyOf(d *Deployment, revision string) string {
	return (&Revision{Scope: d.Scope, Cluster: d.Cluster, Service: d.Service, ID: revision}).Key()
}

// RevisionARN is the ARN of a revision of the deployment's service.
func RevisionARN(d *Deployment, revision string) string {
	return (&Revision{Scope: d.Scope, Cluster: d.Cluster, Service: d.Service, ID: revision}).ARN()
}
