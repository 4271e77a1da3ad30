package ecs

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/store"
)

// maxDescribeDeployments is how many service deployments, or revisions, one call
// names.
const maxDescribeDeployments = 20

// ListServiceDeploymentsFilter says which deployments of a service are listed.
type ListServiceDeploymentsFilter struct {
	Cluster, Service string
	Statuses         []string
	After, Before    time.Time // of createdAt; zero: open
	MaxResults       *int32    // 1 to 100, default 20
	NextToken        string
}

// ListServiceDeployments lists the deployments of a service, the newest first.
func (r *Room) ListServiceDeployments(scope Scope, f ListServiceDeploymentsFilter) (list []*Deployment, next string, err error) {
	snap := r.st.Snapshot()
	s, err := serviceInKnownCluster(snap, scope, f.Cluster, f.Service)
	if err != nil {
		return nil, "", err
	}
	size, err := pageSize(f.MaxResults, deploymentsPage, maxServicesPage)
	if err != nil {
		return nil, "", err
	}
	within := page.Scope("ListServiceDeployments", s.Key(), strings.Join(f.Statuses, ","), f.After.String(), f.Before.String())
	below, err := deploymentsBelow(within, f.NextToken)
	if err != nil {
		return nil, "", err
	}
	all := slices.Collect(Deployments.List(snap, scope.Prefix(s.Cluster, s.Name)))
	for _, d := range slices.Backward(all) {
		if d.Seq >= below || !f.shows(d) {
			continue
		}
		if len(list) == size {
			return list, page.Encode(within, strconv.FormatInt(list[size-1].Seq, 10)), nil
		}
		list = append(list, d)
	}
	return list, "", nil
}

// deploymentsBelow is the Seq under which the page that a token means begins.
func deploymentsBelow(within, token string) (int64, error) {
	at, err := pageStart(within, token)
	if err != nil {
		return 0, err
	}
	if at == "" {
		return 1<<63 - 1, nil
	}
	below, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return 0, errServicePageToken()
	}
	return below, nil
}

func (f *ListServiceDeploymentsFilter) shows(d *Deployment) bool {
	return (len(f.Statuses) == 0 || slices.Contains(f.Statuses, d.State)) &&
		(f.After.IsZero() || d.CreatedAt.After(f.After)) &&
		(f.Before.IsZero() || d.CreatedAt.Before(f.Before))
}

// ServiceDeploymentView is a service deployment as it is described.
type ServiceDeploymentView struct {
	*Deployment
	Target  RevisionView
	Sources []RevisionView
	Breaker BreakerView
}

// BreakerView is what a deployment's circuit breaker does.
type BreakerView struct {
	Status              string // DISABLED, MONITORING, TRIGGERED or MONITORING_COMPLETE
	Failures, Threshold int
}

// DescribeServiceDeployments describes deployments by their ARNs; missing are
// those that there are not.
func (r *Room) DescribeServiceDeployments(scope Scope, arns []string) (views []*ServiceDeploymentView, missing []string, err error) {
	if err := checkDeploymentARNs("serviceDeploymentArns", arns); err != nil {
		return nil, nil, err
	}
	snap := r.st.Snapshot()
	for _, ref := range arns {
		if d, ok := deploymentByARN(snap, scope, ref); ok {
			views = append(views, viewServiceDeployment(snap, d))
			continue
		}
		missing = append(missing, ref)
	}
	return views, missing, nil
}

func checkDeploymentARNs(member string, arns []string) error {
	switch {
	case len(arns) == 0:
		return ErrInvalidParameter("%s cannot be empty.", member)
	case len(arns) > maxDescribeDeployments:
		return ErrInvalidParameter("%s cannot have more than %d elements.", member, maxDescribeDeployments)
	}
	return nil
}

// deploymentARNParts takes kind/cluster/service/id apart.
func deploymentARNParts(scope Scope, ref, kind string) (cluster, service, id string, ok bool) {
	a, err := arn.Parse(ref)
	if err != nil || a.Service != "ecs" || a.Account != scope.Account || a.Region != scope.Region {
		return "", "", "", false
	}
	parts := strings.Split(a.Resource, "/")
	if len(parts) != 4 || parts[0] != kind {
		return "", "", "", false
	}
	return parts[1], parts[2], parts[3], true
}

func deploymentByARN(r store.Reader, scope Scope, ref string) (*Deployment, bool) {
	cluster, service, id, ok := deploymentARNParts(scope, ref, "service-deployment")
	if !ok {
		return nil, false
	}
	for d := range Deployments.By(r, IndexLongID, scope.Key(cluster, service, id)) {
		return d, true
	}
	return nil, false
}

func viewServiceDeployment(r store.Reader, d *Deployment) *ServiceDeploymentView {
	v := &ServiceDeploymentView{Deployment: d, Breaker: viewBreaker(d)}
	v.Target = RevisionView{
		ARN: RevisionARN(d, d.Revision), Requested: d.DesiredCount,
		Counts: CountDeploymentTasks(r, d.Scope, d.Cluster, d.ID),
	}
	for _, revision := range d.SourceRevisions {
		v.Sources = append(v.Sources, sourceRevision(r, d, revision))
	}
	return v
}

// sourceRevision counts what still runs of a revision that d replaces.
func sourceRevision(r store.Reader, d *Deployment, revision string) RevisionView {
	v := RevisionView{ARN: RevisionARN(d, revision)}
	for o := range Deployments.By(r, IndexLiveDeployments, d.Scope.Key(d.Cluster, d.Service)) {
		if o.Revision == revision {
			v.Counts = CountDeploymentTasks(r, d.Scope, d.Cluster, o.ID)
			v.Requested = v.Counts.Running + v.Counts.Pending
		}
	}
	return v
}

func viewBreaker(d *Deployment) BreakerView {
	v := BreakerView{Failures: d.FailedTasks, Threshold: BreakerThreshold(d.DesiredCount)}
	b := d.Configuration.DeploymentCircuitBreaker
	switch {
	case b == nil || !given(b.Enable):
		v.Status = "DISABLED"
	case d.FailedTasks >= v.Threshold:
		v.Status = "TRIGGERED"
	case d.Over():
		v.Status = "MONITORING_COMPLETE"
	default:
		v.Status = "MONITORING"
	}
	return v
}

// Kinds of StopServiceDeployment.
const (
	StopTypeRollback = "ROLLBACK"
	StopTypeAbort    = "ABORT"
)

// StopServiceDeployment asks for the end of a deployment that is in progress:
// ROLLBACK (also if stopType is empty) goes back to the last one that completed,
// ABORT starts nothing more.
func (r *Room) StopServiceDeployment(ctx context.Context, scope Scope, ref, stopType string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		found, ok := deploymentByARN(tx, scope, ref)
		if !ok {
			return errServiceDeploymentNotFound()
		}
		old, ok := Deployments.Get(tx, found.Key()) // what the index said is not guarded
		if !ok {
			return errServiceDeploymentNotFound()
		}
		if old.State != StateInProgress && old.State != StatePending {
			return apierr.Client("ConflictException", "The service deployment is not in a state that can be stopped: %s.", old.State).
				With("resourceIds", []string{ref})
		}
		d := *old
		d.StopType, d.State = StopTypeRollback, StateRollbackRequested
		if stopType == StopTypeAbort {
			d.StopType, d.State = StopTypeAbort, StateStopRequested
		}
		d.UpdatedAt = apiNow()
		Deployments.Put(tx, &d)
		return nil
	})
}
