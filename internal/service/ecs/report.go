package ecs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// Container statuses.
const (
	ContainerPending = "PENDING"
	ContainerRunning = "RUNNING"
	ContainerStopped = "STOPPED"
)

// TaskReport is what an agent observed of a task (SubmitTaskStateChange). A
// report without a status only carries attachments.
type TaskReport struct {
	Status     string // PENDING, RUNNING or STOPPED; of the whole task
	Reason     string // of an agent-side failure, else ""
	Containers []ContainerReport
	Agents     []ManagedAgentReport

	PullStartedAt, PullStoppedAt, ExecutionStoppedAt time.Time
}

// ContainerReport is what an agent observed of one container. Absent members
// are empty and change nothing.
type ContainerReport struct {
	Name        string
	Status      string
	RuntimeID   string
	ImageDigest string
	ExitCode    *int32
	Reason      string
	Bindings    []NetworkBinding
}

// ManagedAgentReport is what an agent says of a process of AWS's in a container.
type ManagedAgentReport struct {
	Container, Name string
	Status          string // PENDING, RUNNING or STOPPED
	Reason          string
}

// taskOrder and containerOrder say which status comes after which: statuses only
// move forward, whatever order reports come in.
var (
	taskOrder = []string{
		TaskProvisioning, TaskPending, TaskActivating, TaskRunning,
		TaskDeactivating, TaskStopping, TaskDeprovisioning, TaskStopped,
	}
	containerOrder = []string{ContainerPending, ContainerRunning, ContainerStopped}
)

func isLater(order []string, next, now string) bool {
	return slices.Index(order, next) > slices.Index(order, now)
}

// observed is the task after a report: the one function by which an agent's word
// changes a task. It returns t itself when the report says nothing new, so that
// repeated and late reports are free. def may be nil when it is gone.
func (t *Task) observed(rep TaskReport, def *TaskDefinition, now time.Time) *Task {
	if t.Ended() {
		return t
	}
	next := t.clone()
	for i := range rep.Containers {
		next.observeContainer(&rep.Containers[i], def)
	}
	for i := range rep.Agents {
		next.observeAgent(&rep.Agents[i], now)
	}
	setOnce(&next.PullStartedAt, rep.PullStartedAt)
	setOnce(&next.PullStoppedAt, rep.PullStoppedAt)
	setOnce(&next.ExecutionStoppedAt, rep.ExecutionStoppedAt)
	next.observeStatus(rep, now)
	if next.same(t) {
		return t
	}
	if next.Connectivity != "CONNECTED" {
		next.Connectivity, next.ConnectivityAt = "CONNECTED", now
	}
	next.Version++
	return next
}

func (t *Task) observeStatus(rep TaskReport, now time.Time) {
	if rep.Status == TaskStopped {
		stop := reasonOf(t, rep)
		t.want(stop, now)
		t.end(now)
		return
	}
	if rep.Status == TaskRunning || rep.Status == TaskPending {
		t.advance(rep.Status, now)
	}
	if t.essentialEnded() && t.DesiredStatus != TaskStopped {
		setOnce(&t.ExecutionStoppedAt, now)
		t.want(reasonOf(t, rep), now)
	}
}

// advance moves to PENDING or RUNNING. A task that is to stop and only now turns
// out to run is STOPPING.
func (t *Task) advance(status string, now time.Time) {
	if !isLater(taskOrder, status, t.LastStatus) {
		return
	}
	if status == TaskRunning {
		setOnce(&t.StartedAt, now)
		if t.DesiredStatus == TaskStopped {
			status = TaskStopping
		}
	}
	t.LastStatus = status
}

// want decides that the task is to stop. The first decision stands: its reason
// is the one that users see.
func (t *Task) want(stop Stop, now time.Time) {
	if t.DesiredStatus == TaskStopped {
		return
	}
	t.DesiredStatus = TaskStopped
	t.Stop = &stop
	setOnce(&t.StoppingAt, now)
	if t.LastStatus == TaskRunning {
		t.LastStatus = TaskStopping
	}
}

// end makes the task STOPPED, with all its containers. Whoever commits it
// releases what it held in the same transaction.
func (t *Task) end(now time.Time) {
	t.LastStatus = TaskStopped
	setOnce(&t.StoppedAt, now)
	for i := range t.Containers {
		t.Containers[i].LastStatus = ContainerStopped
		t.Containers[i].endAgents()
	}
	if !t.StartedAt.IsZero() {
		setOnce(&t.ExecutionStoppedAt, now)
	}
	t.Protection = nil
}

func (t *Task) observeContainer(rep *ContainerReport, def *TaskDefinition) {
	i := t.container(rep.Name)
	if i < 0 {
		return
	}
	c := &t.Containers[i]
	if isLater(containerOrder, rep.Status, c.LastStatus) {
		c.LastStatus = rep.Status
	}
	if c.LastStatus == ContainerStopped {
		c.endAgents()
	}
	c.RuntimeID = cmp.Or(rep.RuntimeID, c.RuntimeID)
	c.ImageDigest = cmp.Or(rep.ImageDigest, c.ImageDigest)
	c.ExitCode = cmp.Or(c.ExitCode, rep.ExitCode)
	c.Reason = cmp.Or(c.Reason, clip(rep.Reason, maxStopReason))
	if len(rep.Bindings) > 0 {
		c.Bindings = sortedBindings(rep.Bindings)
	}
	if len(c.Bindings) == 0 && c.LastStatus == ContainerRunning && def != nil {
		c.Bindings = hostBindings(&def.Definition, c.Name)
	}
}

// observeAgent: a managed agent may come and go as often as its container's agent
// starts it again, so its status is the last one told.
func (t *Task) observeAgent(rep *ManagedAgentReport, now time.Time) {
	at := t.container(rep.Container)
	if at < 0 || !slices.Contains(containerOrder, rep.Status) {
		return
	}
	c := &t.Containers[at]
	i := slices.IndexFunc(c.ManagedAgents, func(a ManagedAgent) bool { return a.Name == rep.Name })
	if i < 0 || c.LastStatus == ContainerStopped && rep.Status != ContainerStopped {
		return
	}
	a := &c.ManagedAgents[i]
	if rep.Status == ContainerRunning && a.LastStatus != ContainerRunning {
		a.StartedAt = now
	}
	a.LastStatus, a.Reason = rep.Status, clip(rep.Reason, maxStopReason)
}

// endAgents: nothing runs in a container that has stopped.
func (c *Container) endAgents() {
	for i := range c.ManagedAgents {
		c.ManagedAgents[i].LastStatus = ContainerStopped
	}
}

// sortedBindings puts bindings in one order, so that a repeated report that
// lists them in another is seen to say nothing new.
func sortedBindings(b []NetworkBinding) []NetworkBinding {
	return slices.SortedFunc(slices.Values(b), func(x, y NetworkBinding) int {
		return cmp.Or(
			cmp.Compare(x.ContainerPort, y.ContainerPort), cmp.Compare(x.ContainerPortRange, y.ContainerPortRange),
			cmp.Compare(x.Protocol, y.Protocol), cmp.Compare(x.HostPort, y.HostPort), cmp.Compare(x.BindIP, y.BindIP))
	})
}

// hostBindings are those of a container on the host's network, of which agents
// report none.
func hostBindings(d *ecsshape.TaskDefinition, container string) []NetworkBinding {
	if networkMode(d) != "host" {
		return nil
	}
	var out []NetworkBinding
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if given(c.Name) != container {
			continue
		}
		for j := range c.PortMappings {
			m := &c.PortMappings[j]
			if port := given(m.ContainerPort); port > 0 {
				out = append(out, NetworkBinding{
					BindIP: "0.0.0.0", ContainerPort: port, HostPort: port, Protocol: cmp.Or(given(m.Protocol), "tcp"),
				})
			}
		}
	}
	return sortedBindings(out)
}

// reasonOf tells why a task ended that nobody told to stop; see "Which one it is
// when several hold" in docs/why-a-task-stops.md.
func reasonOf(t *Task, rep TaskReport) Stop {
	agent := rep.Reason
	for i := range t.Containers {
		agent = cmp.Or(agent, startFailure(t.Containers[i].Reason))
	}
	ran := !t.StartedAt.IsZero()
	if !ran && agent != "" {
		return StopFailedToStart(agent)
	}
	if ran || t.essentialExited() {
		return StopEssentialExit()
	}
	return StopFailedToStart(agent)
}

// startFailure is the reason if it is one of those that keep a container from
// starting: all but what ends a running one.
func startFailure(reason string) string {
	if strings.HasPrefix(reason, "OutOfMemoryError") || strings.HasPrefix(reason, "CannotStopContainerError") {
		return ""
	}
	return reason
}

// essentialEnded tells whether an essential container is STOPPED; an exit code
// in essentialExited says that it also ran.
func (t *Task) essentialEnded() bool {
	return slices.ContainsFunc(t.Containers, func(c Container) bool {
		return c.Essential && c.LastStatus == ContainerStopped
	})
}

func (t *Task) essentialExited() bool {
	return slices.ContainsFunc(t.Containers, func(c Container) bool { return c.Essential && c.ExitCode != nil })
}

func setOnce(field *time.Time, at time.Time) {
	if field.IsZero() {
		*field = at
	}
}

// round cuts the times to what the API shows, so that a repeated report says
// the same.
func (rep *TaskReport) round() {
	for _, at := range []*time.Time{&rep.PullStartedAt, &rep.PullStoppedAt, &rep.ExecutionStoppedAt} {
		if !at.IsZero() {
			*at = at.UTC().Truncate(time.Millisecond)
		}
	}
}
