package schedule

import (
	"time"

	"github.com/slipway/slipway/internal/schedule/query"
)

// Instance is what placement knows of a container instance.
type Instance struct {
	ID                          string // container instance ARN or id: opaque
	Status                      string // ACTIVE, DRAINING, …: only ACTIVE takes tasks
	Connected                   bool   // agentConnected
	EC2InstanceID, AgentVersion string
	RegisteredAt                time.Time
	Attributes                  map[string]string // name → value ("" for valueless), built-ins included (ecs.availability-zone …)
	Registered, Remaining       Resources         // their port sets are the ports in use: see Resources
	RunningTasks                int               // runningTasksCount: tasks that run, not those just placed
	Groups                      map[string]int    // tasks (not stopped) per group on this instance: "service:web", "family:x"
}

// Subject is the instance as the cluster query language sees it. It shares the instance's maps.
func (i *Instance) Subject() query.Subject {
	return query.Subject{
		AgentConnected: i.Connected,
		AgentVersion:   i.AgentVersion,
		EC2InstanceID:  i.EC2InstanceID,
		RegisteredAt:   i.RegisteredAt,
		RunningTasks:   i.RunningTasks,
		Attributes:     i.Attributes,
		Groups:         i.Groups,
	}
}

// statusActive is the only status in which an instance takes tasks.
const statusActive = "ACTIVE"

// zoneAttribute is the built-in attribute that holds an instance's Availability Zone.
const zoneAttribute = "ecs.availability-zone"
