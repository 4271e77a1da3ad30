package ecs

import (
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/store"
)

// ListServicesFilter says which services are listed. Empty members filter
// nothing.
type ListServicesFilter struct {
	Cluster                string
	LaunchType             string
	SchedulingStrategy     string
	ResourceManagementType string
	MaxResults             *int32 // 1 to 100, default 10
	NextToken              string
}

// Page sizes of the lists of services and of service deployments.
const (
	servicesPage    = 10
	deploymentsPage = 20
	maxServicesPage = 100
)

// ListServices lists ARNs of the ACTIVE services of a cluster by name.
func (r *Room) ListServices(scope Scope, f ListServicesFilter) (arns []string, next string, err error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, scope, f.Cluster)
	if err != nil {
		return nil, "", err
	}
	size, err := pageSize(f.MaxResults, servicesPage, maxServicesPage)
	if err != nil {
		return nil, "", err
	}
	within := page.Scope("ListServices", c.Key(), f.LaunchType, f.SchedulingStrategy, f.ResourceManagementType)
	after, err := pageStart(within, f.NextToken)
	if err != nil {
		return nil, "", err
	}
	var last string
	for s := range Services.ListAfter(snap, scope.Prefix(c.Name), after) {
		if !f.shows(s) {
			continue
		}
		if len(arns) == size {
			return arns, page.Encode(within, last), nil
		}
		arns, last = append(arns, s.ARN()), s.Key()
	}
	return arns, "", nil
}

func (f *ListServicesFilter) shows(s *Service) bool {
	return s.Status == StatusActive &&
		(f.LaunchType == "" || f.LaunchType == s.LaunchType) &&
		(f.SchedulingStrategy == "" || f.SchedulingStrategy == s.SchedulingStrategy) &&
		(f.ResourceManagementType == "" || f.ResourceManagementType == "CUSTOMER")
}

// serviceInKnownCluster finds a service that deployments are asked about, in
// whatever status.
func serviceInKnownCluster(r store.Reader, scope Scope, cluster, ref string) (*Service, error) {
	c, err := clusterOfServices(r, scope, cluster)
	if err != nil {
		return nil, err
	}
	s, ok := serviceByRef(r, scope, c, ref)
	if !ok {
		return nil, errServiceNotFound()
	}
	return s, nil
}
