package ecs

import (
	"slices"

	"github.com/slipway/slipway/internal/page"
)

// Limits of DescribeCapacityProviders (API reference).
const (
	maxDescribeProviders = 100
	providersPage        = 10
)

// DescribeProvidersRequest names capacity providers, by name or ARN, or else the
// cluster that has them, or else means all.
type DescribeProvidersRequest struct {
	Names      []string
	Cluster    string
	MaxResults *int32 // 1 to 10, default 10
	NextToken  string
}

// DescribeProviders returns names of capacity providers. Every account has
// FARGATE and FARGATE_SPOT, and here no others.
func (r *Room) DescribeProviders(s Scope, req DescribeProvidersRequest) (names, missing []string, next string, err error) {
	if len(req.Names) > maxDescribeProviders {
		return nil, nil, "", ErrInvalidParameter("Capacity providers cannot have more than %d elements.", maxDescribeProviders)
	}
	size, err := pageSize(req.MaxResults, providersPage, providersPage)
	if err != nil {
		return nil, nil, "", err
	}
	all := fargateProviders
	if req.Cluster != "" {
		c, err := activeCluster(r.st.Snapshot(), s, req.Cluster)
		if err != nil {
			return nil, nil, "", err
		}
		all = slices.Sorted(slices.Values(c.CapacityProviders))
	}
	if len(req.Names) > 0 {
		all, missing = s.knownProviders(all, req.Names)
	}
	within := page.Scope("DescribeCapacityProviders", s.Account, s.Region, req.Cluster, page.Scope(req.Names...))
	after, err := pageStart(within, req.NextToken)
	if err != nil {
		return nil, nil, "", err
	}
	all = all[slices.Index(all, after)+1:]
	if len(all) > size {
		return all[:size], missing, page.Encode(within, all[size-1]), nil
	}
	return all, missing, "", nil
}

// knownProviders sorts references into names that are known and ARNs that are
// not.
func (s Scope) knownProviders(all, refs []string) (known, missing []string) {
	for _, ref := range refs {
		name, ok := s.lastOf(ref, "capacity-provider")
		switch {
		case ok && slices.Contains(all, name):
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		case ok:
			missing = append(missing, s.ARN("capacity-provider/"+name))
		default:
			missing = append(missing, ref)
		}
	}
	return known, missing
}
