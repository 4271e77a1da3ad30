package ecs

import "context"

// AwaitConnected waits until n ACTIVE instances of a cluster have a connected
// agent, or ctx ends.
func (r *Room) AwaitConnected(ctx context.Context, s Scope, cluster string, n int) error {
	within := s.Prefix(cluster)
	for {
		snap := r.st.Snapshot()
		changed := Instances.Changed(snap, "", within)
		connected := 0
		for i := range Instances.List(snap, within) {
			if i.Status == StatusActive && i.AgentConnected {
				connected++
			}
		}
		if connected >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
