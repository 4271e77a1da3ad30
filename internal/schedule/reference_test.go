package schedule

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/schedule/query"
)

// reference is placement as the documentation tells it: test every instance with every filter in turn, then narrow
// what is left strategy by strategy. It keeps no index, and shares no code with Fleet but the shapes and the query
// language.
type reference struct{ instances []Instance }

func (r *reference) find(id string) *Instance {
	for i := range r.instances {
		if r.instances[i].ID == id {
			return &r.instances[i]
		}
	}
	return nil
}

// refused says why an instance can't take a task and how many filters it passed; "" if it can.
func refused(i *Instance, req *Request) (Reason, int) {
	checks := []struct {
		reason Reason
		ok     bool
	}{
		{ReasonAgent, i.Connected},
		{ReasonCPU, req.Need.CPU == 0 || i.Remaining.CPU >= req.Need.CPU},
		{ReasonMemory, req.Need.Memory == 0 || i.Remaining.Memory >= req.Need.Memory},
		{ReasonPorts, disjoint(i.Remaining.TCP, req.Need.TCP) && disjoint(i.Remaining.UDP, req.Need.UDP)},
		{ReasonGPU, req.Need.GPU == 0 || i.Remaining.GPU >= req.Need.GPU},
		{ReasonENI, req.Need.ENI == 0 || i.Remaining.ENI >= req.Need.ENI},
		{ReasonAttribute, hasAll(i, req.Required)},
		{ReasonLocation, len(req.Zones) == 0 || slices.Contains(req.Zones, i.Attributes[zoneAttribute])},
		{ReasonMemberOf, memberOfAll(i, req.Constraints)},
		{ReasonDistinct, i.Groups[req.Group] == 0 || !slices.ContainsFunc(req.Constraints, func(c Constraint) bool { return c.Type == distinctInstance })},
	}
	for n, check := range checks {
		if !check.ok {
			return check.reason, n
		}
	}
	return "", len(checks)
}

func disjoint(a, b Ports) bool {
	for port := range a.All() {
		if b.Has(port) {
			return false
		}
	}
	return true
}

func hasAll(i *Instance, required []Attribute) bool {
	for _, r := range required {
		if v, ok := i.Attributes[r.Name]; !ok || r.Value != "" && v != r.Value {
			return false
		}
	}
	return true
}

func memberOfAll(i *Instance, constraints []Constraint) bool {
	for _, c := range constraints {
		if c.Type != memberOf {
			continue
		}
		expr, err := query.Parse(c.Expression)
		if err != nil {
			panic(err)
		}
		if !expr.Match(i.Subject()) {
			return false
		}
	}
	return true
}

// examined are the instances that a request is about.
func (r *reference) examined(req *Request) []*Instance {
	var found []*Instance
	for n := range r.instances {
		if i := &r.instances[n]; i.Status == "ACTIVE" && (req.Only == nil || req.Only[i.ID]) {
			found = append(found, i)
		}
	}
	return found
}

// best is the set of instances that the strategies leave for the next task; empty if none can take it.
func (r *reference) best(req *Request) []*Instance {
	var left []*Instance
	for _, i := range r.examined(req) {
		if reason, _ := refused(i, req); reason == "" {
			left = append(left, i)
		}
	}
	chain := req.Strategy
	switch {
	case len(chain) > 0:
	case req.Service:
		chain = []Strategy{{"spread", "attribute:ecs.availability-zone"}, {"spread", "instanceId"}}
	default:
		return least(left, func(i *Instance) int64 {
			total := 0
			for n := range maps.Values(i.Groups) {
				total += n
			}
			return int64(total)
		})
	}
	var spreads []string
	for _, s := range chain {
		name, byAttribute := strings.CutPrefix(s.Field, "attribute:")
		switch {
		case s.Type == "random":
			return left
		case s.Type == "binpack" && strings.EqualFold(s.Field, "cpu"):
			left = least(left, func(i *Instance) int64 { return i.Remaining.CPU })
		case s.Type == "binpack":
			left = least(left, func(i *Instance) int64 { return i.Remaining.Memory })
		case byAttribute:
			spreads = append(spreads, name)
			left = least(left, func(i *Instance) int64 { return r.tasksLike(i, spreads, req.Group) })
		default:
			left = least(left, func(i *Instance) int64 { return int64(i.Groups[req.Group]) })
		}
	}
	return left
}

// tasksLike counts the group's tasks on ACTIVE instances that have i's values of the attributes.
func (r *reference) tasksLike(i *Instance, attributes []string, group string) int64 {
	total := 0
	for n := range r.instances {
		o := &r.instances[n]
		same := o.Status == "ACTIVE"
		for _, a := range attributes {
			same = same && o.Attributes[a] == i.Attributes[a]
		}
		if same {
			total += o.Groups[group]
		}
	}
	return int64(total)
}

func least(from []*Instance, key func(*Instance) int64) []*Instance {
	if len(from) == 0 {
		return nil
	}
	low := key(slices.MinFunc(from, func(a, b *Instance) int { return cmp.Compare(key(a), key(b)) }))
	var left []*Instance
	for _, i := range from {
		if key(i) == low {
			left = append(left, i)
		}
	}
	return left
}

// place books one task.
func (i *Instance) book(req *Request) {
	i.Remaining.CPU -= req.Need.CPU
	i.Remaining.Memory -= req.Need.Memory
	i.Remaining.GPU -= req.Need.GPU
	i.Remaining.ENI -= req.Need.ENI
	i.Remaining.TCP = PortsOf(append(slices.Collect(i.Remaining.TCP.All()), slices.Collect(req.Need.TCP.All())...)...)
	i.Remaining.UDP = PortsOf(append(slices.Collect(i.Remaining.UDP.All()), slices.Collect(req.Need.UDP.All())...)...)
	groups := maps.Clone(i.Groups)
	if groups == nil {
		groups = map[string]int{}
	}
	groups[req.Group]++
	i.Groups = groups
}

// unbook takes one task back.
func (i *Instance) unbook(req *Request) {
	i.Remaining.CPU += req.Need.CPU
	i.Remaining.Memory += req.Need.Memory
	i.Remaining.GPU += req.Need.GPU
	i.Remaining.ENI += req.Need.ENI
	i.Remaining.TCP = without(i.Remaining.TCP, req.Need.TCP)
	i.Remaining.UDP = without(i.Remaining.UDP, req.Need.UDP)
	groups := maps.Clone(i.Groups)
	groups[req.Group]--
	i.Groups = groups
}

func without(a, b Ports) Ports {
	return PortsOf(slices.DeleteFunc(slices.Collect(a.All()), b.Has)...)
}
