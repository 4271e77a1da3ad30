package schedule

// Reason says why an instance can't take a task, in the words of failures[] in the answers of RunTask and StartTask
// (developer guide, api_failures_messages).
type Reason string

// The reasons that Place gives, in the order in which it examines an instance.
const (
	ReasonAgent     Reason = "AGENT" // the agent is not connected
	ReasonCPU       Reason = "RESOURCE:CPU"
	ReasonMemory    Reason = "RESOURCE:MEMORY"
	ReasonPorts     Reason = "RESOURCE:PORTS"
	ReasonGPU       Reason = "RESOURCE:GPU"
	ReasonENI       Reason = "RESOURCE:ENI"
	ReasonAttribute Reason = "ATTRIBUTE" // lacks an attribute that the task definition requires
	ReasonLocation  Reason = "LOCATION"  // in no Availability Zone of the task's subnets
	ReasonMemberOf  Reason = "MemberOf placement constraint unsatisfied."
	ReasonDistinct  Reason = "DistinctInstance placement constraint unsatisfied."
)

// Reasons that callers of StartTask give for instances that Place does not examine.
const (
	ReasonMissing  Reason = "MISSING"  // no such instance
	ReasonInactive Reason = "INACTIVE" // not ACTIVE
)

// Refusal says why one instance can't take a task.
type Refusal struct {
	Instance string
	Reason   Reason
}

// Explain is the clause that the service event for a failed placement puts after "The closest matching
// (container-instance ID)" (developer guide, service-event-messages-list).
func Explain(r Refusal) string {
	switch r.Reason {
	case ReasonCPU:
		return "has insufficient CPU units available."
	case ReasonMemory:
		return "has insufficient memory available."
	case ReasonPorts:
		return "is already using a port required by your task."
	case ReasonAttribute:
		return "is missing an attribute required by your task."
	default:
		return `encountered error "` + string(r.Reason) + `".`
	}
}
