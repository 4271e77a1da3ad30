package lifecycle

import "fmt"

// Status is how far a container, or a task, has come. The order counts: a task
// is as far as the least of its containers.
type Status uint8

// The states of a container. A task passes the same ones.
const (
	None           Status = iota
	ManifestPulled        // the image's digest is known
	Pulled                // the image is unpacked on the instance
	Created               // the container exists, its process does not
	Running
	Stopped
)

var statusNames = [...]string{"NONE", "MANIFEST_PULLED", "PULLED", "CREATED", "RUNNING", "STOPPED"}

// String is the state's name as the ECS agent writes it.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Reported is the state's name as the control plane knows it: everything below
// RUNNING is PENDING.
func (s Status) Reported() string {
	if s < Running {
		return "PENDING"
	}
	return s.String()
}

// Health is a health check's verdict.
type Health uint8

// The verdicts; Unknown until the first one.
const (
	Unknown Health = iota
	Healthy
	Unhealthy
)

var healthNames = [...]string{"UNKNOWN", "HEALTHY", "UNHEALTHY"}

// String is the verdict's name in the ECS API.
func (h Health) String() string {
	if int(h) < len(healthNames) {
		return healthNames[h]
	}
	return fmt.Sprintf("Health(%d)", uint8(h))
}
