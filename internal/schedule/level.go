package schedule

// levelKind is what one strategy of a chain goes by.
type levelKind int

const (
	byChance    levelKind = iota // nothing: chance decides
	byAttribute                  // tasks per value of an attribute
	byInstance                   // tasks per instance
	byCPU                        // CPU units left on the instance
	byMemory                     // MiB left on the instance
	byTasks                      // tasks of all groups on the instance
	byUrgency                    // of the instance's tasks when some must stop: see victims.go
)

// level is one step of a ranking: prefer the instances for which it is least (or, in a ranking of victims, most).
type level struct {
	kind      levelKind
	attribute string // of byAttribute
}

// defaultLevels is what an empty strategy means: for a service, spread over zones and then over instances (developer
// guide, service_definition_parameters); for RunTask nothing is documented.
func defaultLevels(service bool) []level {
	if service {
		return []level{{byAttribute, zoneAttribute}, {kind: byInstance}}
	}
	return []level{{kind: byTasks}}
}
