// Package agent is the container agent: it makes a machine, or a slice of one, a
// container instance of a cluster.
//
// [Run] registers the instance, takes its tasks from the control plane, runs them
// on containerd and says what became of them. It knows AWS's protocol and AWS's
// environment variables ([FromEnv]) and nothing else of the control plane, which
// may be anybody's. What it must not forget is in its data directory; containers
// go on when it ends, and the next agent on that directory takes them over.
//
// The parts: lifecycle decides, engine acts, link talks, journal remembers,
// settings looks up what tasks take from elsewhere, endpoint answers operators and
// containers, stats measures, execute serves ECS Exec, drain takes the instance out
// of service; runtime, image, network, volume, cgroup, health and logdriver are the
// effects, which effects.go and resources.go put behind the engine's interfaces.
package agent
