package schedule

import (
	"slices"

	"github.com/slipway/slipway/internal/schedule/query"
)

// filter is one test that an instance must pass to take a task, and the reason why one that fails is refused. It has
// either a test of the instance, or a test of its attributes alone, whose answer holds for a whole class.
type filter struct {
	reason     Reason
	instance   func(*slot) bool
	attributes func(map[string]string) bool
}

// filters lists the filters that req needs, in the order in which instances are examined.
func filters(req *Request, constraints constraintSet) []filter {
	chain := append([]filter{agentFilter()}, resourceFilters(req.Need)...)
	if len(req.Required) > 0 {
		chain = append(chain, requiredFilter(req.Required))
	}
	if len(req.Zones) > 0 {
		chain = append(chain, zoneFilter(req.Zones))
	}
	for _, expr := range constraints.members {
		chain = append(chain, memberFilter(expr))
	}
	if constraints.distinct {
		chain = append(chain, distinctFilter(req.Group))
	}
	return chain
}

func agentFilter() filter {
	return filter{reason: ReasonAgent, instance: func(s *slot) bool { return s.inst.Connected }}
}

// resourceFilters tests nothing of which need is zero: such a task fits even where that resource is overdrawn.
func resourceFilters(need Need) []filter {
	chain := make([]filter, 0, 8)
	if need.CPU > 0 {
		chain = append(chain, filter{reason: ReasonCPU, instance: func(s *slot) bool { return need.CPU <= s.inst.Remaining.CPU }})
	}
	if need.Memory > 0 {
		chain = append(chain, filter{reason: ReasonMemory, instance: func(s *slot) bool { return need.Memory <= s.inst.Remaining.Memory }})
	}
	if len(need.TCP.words)+len(need.UDP.words) > 0 {
		chain = append(chain, filter{reason: ReasonPorts, instance: func(s *slot) bool {
			return !s.inst.Remaining.TCP.Overlaps(need.TCP) && !s.inst.Remaining.UDP.Overlaps(need.UDP)
		}})
	}
	if need.GPU > 0 {
		chain = append(chain, filter{reason: ReasonGPU, instance: func(s *slot) bool { return need.GPU <= s.inst.Remaining.GPU }})
	}
	if need.ENI > 0 {
		chain = append(chain, filter{reason: ReasonENI, instance: func(s *slot) bool { return need.ENI <= s.inst.Remaining.ENI }})
	}
	return chain
}

func requiredFilter(required []Attribute) filter {
	required = slices.Clone(required)
	return filter{reason: ReasonAttribute, attributes: func(attributes map[string]string) bool {
		for _, r := range required {
			if value, ok := attributes[r.Name]; !ok || r.Value != "" && r.Value != value {
				return false
			}
		}
		return true
	}}
}

func zoneFilter(zones []string) filter {
	zones = slices.Clone(zones)
	return filter{reason: ReasonLocation, attributes: func(attributes map[string]string) bool {
		return slices.Contains(zones, attributes[zoneAttribute])
	}}
}

func memberFilter(expr *query.Expr) filter {
	if expr.AttributesOnly() {
		return filter{reason: ReasonMemberOf, attributes: func(attributes map[string]string) bool {
			return expr.Match(query.Subject{Attributes: attributes})
		}}
	}
	return filter{reason: ReasonMemberOf, instance: func(s *slot) bool { return expr.Match(s.inst.Subject()) }}
}

func distinctFilter(group string) filter {
	return filter{reason: ReasonDistinct, instance: func(s *slot) bool { return s.inst.Groups[group] == 0 }}
}
