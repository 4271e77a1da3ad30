package engine

import (
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// News waits for a change of its task, and is reported on its own when none comes
// in time.
const (
	// sometime is for a container on its way up, which is of interest only with
	// its task; the ECS agent's ticker is 10 to 30 s.
	sometime = 10 * time.Second
	// promptly is for an end, which people and schedulers wait for; what ends
	// together still is one report.
	promptly = 300 * time.Millisecond
)

// Report is what SubmitTaskStateChange says about one task.
type Report struct {
	TaskARN    string
	Status     string // PENDING, RUNNING or STOPPED
	Reason     string
	Containers []ContainerChange
	Agents     []ManagedAgentChange `json:",omitempty"`

	PullStartedAt      time.Time `json:",omitzero"`
	PullStoppedAt      time.Time `json:",omitzero"`
	ExecutionStoppedAt time.Time `json:",omitzero"`
}

// ContainerChange is one state that a container reached.
type ContainerChange struct {
	Name        string
	Status      string
	RuntimeID   string    `json:",omitempty"`
	ImageDigest string    `json:",omitempty"`
	ExitCode    *int      `json:",omitempty"`
	Reason      string    `json:",omitempty"`
	Bindings    []Binding `json:",omitempty"`
}

// note remembers what container i reached, for the next report.
func (t *task) note(i int) {
	c := &t.rec.Containers[i]
	change := ContainerChange{
		Name:        t.rec.Task.Containers[i].Name,
		Status:      c.Status.Reported(),
		ImageDigest: c.Image.Digest,
		ExitCode:    c.ExitCode,
		Reason:      truncate(c.Reason),
	}
	if !c.CreatedAt.IsZero() {
		change.RuntimeID = c.ID
	}
	if !c.StartedAt.IsZero() && c.Network != nil {
		change.Bindings = c.Network.Bindings
	}
	t.rec.Events = append(t.rec.Events, change)
	if c.Status == lifecycle.Stopped {
		t.news(promptly)
	} else {
		t.news(sometime)
	}
}

// news has what was noted reported within a time.
func (t *task) news(within time.Duration) {
	if due := time.Now().Add(within); t.rec.EventsDue.IsZero() || due.Before(t.rec.EventsDue) {
		t.rec.EventsDue = due
	}
	t.dirty = true
}

func (t *task) hasNews() bool { return len(t.rec.Events)+len(t.rec.AgentEvents) > 0 }

// report turns the task's state into reports, as the ECS agent does: PENDING
// once all images are known, and only if a digest is; RUNNING once it is up;
// STOPPED when all are down. Other news rides along
// or is flushed after a while.
func (t *task) report() {
	switch st := t.observe().Task(); {
	case st == lifecycle.Stopped:
		if t.rec.Sent < lifecycle.Stopped {
			t.enqueue(lifecycle.Stopped)
		}
	case st >= lifecycle.Running && t.rec.Sent < lifecycle.Running && t.isUp():
		t.enqueue(lifecycle.Running)
	case st >= lifecycle.ManifestPulled && t.rec.Sent < lifecycle.ManifestPulled && len(t.rec.Events) > 0:
		t.enqueue(lifecycle.ManifestPulled)
	case t.flushDue():
		t.enqueue(t.rec.Sent)
	}
}

// isUp tells whether every container runs or has run. One that is not essential
// may have failed to. A task that stops on its way up never was: what is left of
// it runs only until it is stopped.
func (t *task) isUp() bool {
	for i, c := range t.rec.Containers {
		if c.StartedAt.IsZero() && (t.spec.Containers[i].Essential || t.rec.StopWanted) {
			return false
		}
	}
	return true
}

func (t *task) flushDue() bool {
	return t.hasNews() && !time.Now().Before(t.rec.EventsDue)
}

func (t *task) enqueue(st lifecycle.Status) {
	r := Report{TaskARN: t.rec.Task.ARN, Status: st.Reported(), Containers: t.rec.Events, Agents: t.rec.AgentEvents}
	if st >= lifecycle.Running {
		r.PullStartedAt, r.PullStoppedAt = t.rec.PullStartedAt, t.rec.PullStoppedAt
	}
	if st == lifecycle.Stopped {
		r.Reason, r.ExecutionStoppedAt = truncate(t.rec.Reason), t.rec.ExecutionStoppedAt
	}
	t.rec.Sent = st
	t.rec.Events, t.rec.AgentEvents, t.rec.EventsDue = nil, nil, time.Time{}
	t.rec.Outbox = append(t.rec.Outbox, r)
	t.dirty = true
}

// truncate keeps a reason within the API's 1024 characters.
func truncate(s string) string {
	const limit = 1024
	if len(s) <= limit {
		return s
	}
	for n := limit; ; n-- { // not in the middle of a character
		if s[n]&0xC0 != 0x80 {
			return s[:n]
		}
	}
}
