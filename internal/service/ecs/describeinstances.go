package ecs

import (
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/schedule/query"
	"github.com/slipway/slipway/internal/store"
)

// Limits of the container instance operations (API reference).
const (
	maxDescribeInstances = 100
	maxUpdateInstances   = 10
	instancesPage        = 100
)

// InstanceView is a container instance with what its tasks hold.
type InstanceView struct {
	*ContainerInstance
	Used  Resources // by tasks, without the ports that the machine keeps
	Tasks TaskCount
}

// DescribeInstances describes instances by id or ARN; missing are the ARNs of
// those that do not exist.
func (r *Room) DescribeInstances(s Scope, cluster string, refs []string) (views []InstanceView, missing []string, err error) {
	switch {
	case len(refs) == 0:
		return nil, nil, ErrInvalidParameter("Container instance cannot be empty.")
	case len(refs) > maxDescribeInstances:
		return nil, nil, ErrInvalidParameter("Container instances cannot have more than %d elements.", maxDescribeInstances)
	}
	snap := r.st.Snapshot()
	c, err := clusterOfServices(snap, s, cluster)
	if err != nil {
		return nil, nil, err
	}
	for _, ref := range refs {
		inst, ok, err := instanceByRef(snap, c, ref)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			missing = append(missing, instanceARNOf(c, ref))
			continue
		}
		views = append(views, viewInstance(snap, inst))
	}
	return views, missing, nil
}

// Remaining is what a task may still take; ports are those in use.
func (v *InstanceView) Remaining() Resources {
	left := v.Registered.minus(Resources{CPU: v.Used.CPU, Memory: v.Used.Memory, GPU: v.Used.GPU})
	left.TCP, left.UDP = unionPorts(v.Registered.TCP, v.Used.TCP), unionPorts(v.Registered.UDP, v.Used.UDP)
	return left
}

// ViewInstance is an instance with what its tasks hold now.
func (r *Room) ViewInstance(i *ContainerInstance) InstanceView {
	return viewInstance(r.st.Snapshot(), i)
}

func viewInstance(r store.Reader, i *ContainerInstance) InstanceView {
	v := InstanceView{ContainerInstance: i, Tasks: CountInstanceTasks(r, i.Scope, i.Cluster, i.ID)}
	if a, ok := Allocations.Get(r, i.Key()); ok {
		v.Used = a.Used
	}
	return v
}

// instanceARNOf is the ARN that failures[] names for a reference to nothing.
func instanceARNOf(c *Cluster, ref string) string {
	if id, ok := c.Scope.lastOf(ref, "container-instance"); ok {
		return c.Scope.ARN("container-instance/" + c.Name + "/" + id)
	}
	return ref
}

// ListInstancesRequest filters the instances of a cluster. Without a status all
// but INACTIVE ones are listed.
type ListInstancesRequest struct {
	Cluster    string
	Filter     string // an expression of the cluster query language
	Status     string
	MaxResults *int32 // 1 to 100, default 100
	NextToken  string
}

// ListInstances lists ARNs of instances.
func (r *Room) ListInstances(s Scope, req ListInstancesRequest) (arns []string, next string, err error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, s, req.Cluster)
	if err != nil {
		return nil, "", err
	}
	size, err := pageSize(req.MaxResults, instancesPage, instancesPage)
	if err != nil {
		return nil, "", err
	}
	matches, err := instanceFilter(snap, req)
	if err != nil {
		return nil, "", err
	}
	within := page.Scope("ListContainerInstances", c.Key(), req.Filter, req.Status)
	after, err := pageStart(within, req.NextToken)
	if err != nil {
		return nil, "", err
	}
	var last string
	for i := range Instances.ListAfter(snap, s.Prefix(c.Name), after) {
		if !matches(i) {
			continue
		}
		if len(arns) == size {
			return arns, page.Encode(within, last), nil
		}
		arns, last = append(arns, i.ARN()), i.Key()
	}
	return arns, "", nil
}

func instanceFilter(snap *store.Snapshot, req ListInstancesRequest) (func(*ContainerInstance) bool, error) {
	byStatus := func(i *ContainerInstance) bool {
		if req.Status == "" {
			return i.Status != StatusInactive
		}
		return i.Status == req.Status
	}
	if req.Filter == "" {
		return byStatus, nil
	}
	expr, err := query.Parse(req.Filter)
	if err != nil {
		return nil, ErrInvalidParameter("Invalid filter expression: %s", err)
	}
	return func(i *ContainerInstance) bool { return byStatus(i) && expr.Match(queried(snap, i)) }, nil
}

// queried is an instance as the cluster query language sees it.
func queried(snap *store.Snapshot, i *ContainerInstance) query.Subject {
	m := fleetMember{inst: i, attributes: i.attributeMap(), running: CountInstanceTasks(snap, i.Scope, i.Cluster, i.ID).Running}
	m.alloc, _ = Allocations.Get(snap, i.Key())
	in := m.scheduling()
	return in.Subject()
}
