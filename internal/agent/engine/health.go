package engine

import "github.com/slipway/slipway/internal/agent/lifecycle"

// checkHealth sees to it that every running container that has a health check is
// checked, and no other.
func (t *task) checkHealth() {
	for i, c := range t.rec.Containers {
		live := &t.live[i]
		runs := c.Status == lifecycle.Running && !c.Down && live.doing != lifecycle.Restart
		switch {
		case !runs && live.unwatch != nil:
			live.unwatch()
			live.unwatch = nil
		case runs && live.unwatch == nil && t.said[i].check != nil:
			started := c.StartedAt
			live.unwatch = t.engine.fx.Health.Watch(c.ID, *t.said[i].check, func(s HealthStatus) {
				t.box.post(func() {
					if c := &t.rec.Containers[i]; c.StartedAt.Equal(started) { // else of an earlier run
						c.Health, t.dirty = s, true
						t.log.Info("container health", "container", t.rec.Task.Containers[i].Name, "health", s.Verdict.String())
					}
				})
			})
		}
	}
}

// endChecks gives all health checks up: the owner ends.
func (t *task) endChecks() {
	for i := range t.live {
		if t.live[i].unwatch != nil {
			t.live[i].unwatch()
		}
	}
}
