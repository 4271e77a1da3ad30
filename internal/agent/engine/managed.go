package engine

import (
	"slices"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// ManagedAgentState is what became of a process that the agent runs for a
// container.
type ManagedAgentState struct {
	Name          string
	Status        string    // PENDING, RUNNING or STOPPED
	Reason        string    `json:",omitempty"`
	LastStartedAt time.Time `json:",omitzero"`
}

// ManagedAgentChange is one state that a managed agent reached.
type ManagedAgentChange struct {
	ContainerName string
	Name          string
	Status        string
	Reason        string `json:",omitempty"`
}

// The states of a managed agent, and the ECS agent's reason for the last one.
const (
	agentRunning     = "RUNNING"
	agentStopped     = "STOPPED"
	containerStopped = "Received Container Stopped event"
)

// serveAgents opens running containers to ECS Exec where their definition wants
// it, and closes what runs no more.
func (t *task) serveAgents() {
	for i, c := range t.rec.Containers {
		if len(t.rec.Task.Containers[i].ManagedAgents) == 0 {
			continue
		}
		runs := c.Status == lifecycle.Running && !c.Down && t.live[i].doing != lifecycle.Restart
		switch open := t.live[i].detach != nil; {
		case runs && !open:
			t.openAgents(i)
		case !runs && open:
			t.closeAgents(i)
		}
	}
}

func (t *task) openAgents(i int) {
	c := &t.rec.Containers[i]
	t.live[i].detach = func() {}
	for _, a := range t.rec.Task.Containers[i].ManagedAgents {
		if a.Name != agentproto.ExecuteCommandAgent || t.engine.fx.Exec == nil {
			t.agentReached(i, a.Name, agentStopped, a.Name+" Initialization failed - the agent of this instance does not have it")
			continue
		}
		var now bool
		now, t.live[i].detach = t.engine.fx.Exec.Attach(ExecTarget{
			TaskARN: t.rec.Task.ARN, ContainerID: c.ID, ContainerName: t.rec.Task.Containers[i].Name, Properties: a.Properties,
		}, func() {
			t.box.post(func() {
				if t.live[i].detach != nil {
					t.agentReached(i, a.Name, agentRunning, "")
				}
			})
		})
		if now {
			t.agentReached(i, a.Name, agentRunning, "")
		}
	}
}

func (t *task) closeAgents(i int) {
	t.live[i].detach()
	t.live[i].detach = nil
	for _, a := range t.rec.Containers[i].ManagedAgents {
		if a.Status == agentRunning {
			t.agentReached(i, a.Name, agentStopped, containerStopped)
		}
	}
}

// endAgents closes everything: the owner ends. Nothing is told, for containers go
// on and the next agent opens them again.
func (t *task) endAgents() {
	for i := range t.live {
		if t.live[i].detach != nil {
			t.live[i].detach()
		}
	}
}

// agentReached notes a state once, for the next report.
func (t *task) agentReached(i int, name, status, reason string) {
	c := &t.rec.Containers[i]
	at := slices.IndexFunc(c.ManagedAgents, func(a ManagedAgentState) bool { return a.Name == name })
	if at < 0 {
		c.ManagedAgents = append(c.ManagedAgents, ManagedAgentState{Name: name})
		at = len(c.ManagedAgents) - 1
	}
	if c.ManagedAgents[at].Status == status {
		return
	}
	// Views share the old slice.
	c.ManagedAgents = slices.Clone(c.ManagedAgents)
	a := &c.ManagedAgents[at]
	a.Status, a.Reason = status, reason
	if status == agentRunning {
		a.LastStartedAt = time.Now()
	}
	t.rec.AgentEvents = append(t.rec.AgentEvents, ManagedAgentChange{
		ContainerName: t.rec.Task.Containers[i].Name, Name: name, Status: status, Reason: truncate(reason),
	})
	t.news(promptly)
}
