package schedule

// Request asks for instances for Count equal tasks.
type Request struct {
	Group       string          // what spread, distinctInstance and task counts are about: "service:web", "family:x"
	Count       int             // tasks to place
	Need        Need            // of one task
	Required    []Attribute     // requiresAttributes of the task definition
	Zones       []string        // if not empty, the Availability Zones of the task's subnets (awsvpc)
	Constraints []Constraint    // the task definition's and the request's together
	Strategy    []Strategy      // in order
	Service     bool            // a service's task: decides what an empty Strategy means
	Only        map[string]bool // if not nil, only these instance ids (StartTask, capacity provider)
}

// Attribute is one that an instance must have; an empty Value accepts any.
type Attribute struct{ Name, Value string }

// Constraint is a placement constraint: Type is distinctInstance, or memberOf with an Expression of the cluster query
// language.
type Constraint struct{ Type, Expression string }

// Strategy is a placement strategy: Type is random, spread with Field attribute:NAME, instanceId or host, or binpack
// with Field cpu or memory. Fields are not case-sensitive, attribute names are.
type Strategy struct{ Type, Field string }

// Placement is one task's instance.
type Placement struct{ Instance string }

// Result says where the tasks of a request go.
type Result struct {
	Placements []Placement // at most Request.Count, in the order of the decisions

	// Refusals explain, if not all tasks were placed, why the first one that was not does not fit: one entry per
	// instance examined (ACTIVE, and in Request.Only), the one that passed most filters first. Both slices empty for a
	// positive Count means that there is no instance to examine.
	Refusals []Refusal
}
