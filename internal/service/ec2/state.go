package ec2

// State is where an instance is in its life.
type State string

// The states of an instance.
const (
	Pending      State = "pending"
	Running      State = "running"
	ShuttingDown State = "shutting-down"
	Terminated   State = "terminated"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
)

// next holds the ways between states (EC2 user guide, "Instance state changes").
// A machine may vanish at any moment, so stopped and terminated can follow
// without the state that usually comes before.
var next = map[State][]State{
	Pending:      {Running, Stopping, Stopped, ShuttingDown, Terminated},
	Running:      {Stopping, Stopped, ShuttingDown, Terminated},
	Stopping:     {Stopped, ShuttingDown, Terminated},
	Stopped:      {Pending, ShuttingDown, Terminated},
	ShuttingDown: {Terminated},
}
