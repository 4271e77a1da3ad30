package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/apierr"
)

// Sessions opens the sessions of ECS Exec. Whoever implements it holds the
// channels to the agents.
type Sessions interface {
	// Open prepares a session in a container; the command starts when the client
	// comes. ErrNotConnected, ErrSessionLimit and errors of the store are its
	// refusals.
	Open(ctx context.Context, target ExecTarget) (ExecSession, error)
}

// The refusals of Sessions.
var (
	ErrNotConnected = errors.New("agent has no channel for commands to this server")
	ErrSessionLimit = errors.New("container has as many sessions as it may")
)

// MaxSessions is how many sessions a container may have at a time (quota "Maximum
// number of ECS Exec sessions per container").
const MaxSessions = 1000

// ExecTarget is a container, and what is to run in it.
type ExecTarget struct {
	Scope
	Cluster, Instance string // of the agent
	Task              string // id
	Container         string // name
	RuntimeID         string
	Command           string // one line, split into words by the agent
	Owner             string // ARN of the caller
	Origin            string // scheme://host:port at which the caller reached us
}

// ExecSession is what a client needs to take part in a session.
type ExecSession struct {
	ID        string
	StreamURL string // ws or wss
	Token     string // good for one use
}

// ExecRequest is the input of ExecuteCommand.
type ExecRequest struct {
	Cluster, Task string // names, ids or ARNs
	Container     string // name; may be absent if the task has one container
	Command       string
	Interactive   bool
	Origin        string // see ExecTarget
}

// Execution is a session that was opened.
type Execution struct {
	Task      *Task
	Container *Container
	Session   ExecSession
}

// notExecutable is AWS's answer whenever a container has no agent for commands;
// the apostrophe is typographic there.
const notExecutable = "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again."

// ExecuteCommand opens a session in a container of a running task.
func (r *Room) ExecuteCommand(ctx context.Context, s Scope, caller Caller, req ExecRequest) (*Execution, error) {
	if !req.Interactive {
		// API reference, ExecuteCommand: interactive commands alone are supported.
		return nil, ErrInvalidParameter("Interactive is the only mode supported currently.")
	}
	t, err := r.execTask(s, req)
	if err != nil {
		return nil, err
	}
	c, err := t.execContainer(req.Container)
	if err != nil {
		return nil, err
	}
	if r.cfg.Sessions == nil {
		return nil, apierr.Client("TargetNotConnectedException", "%s", notConnected)
	}
	session, err := r.cfg.Sessions.Open(ctx, ExecTarget{
		Scope: s, Cluster: t.Cluster, Instance: t.Instance, Task: t.ID, Container: c.Name, RuntimeID: c.RuntimeID,
		Command: req.Command, Owner: caller.ARN, Origin: req.Origin,
	})
	switch {
	case errors.Is(err, ErrNotConnected):
		return nil, r.errTargetNotConnected(t)
	case errors.Is(err, ErrSessionLimit):
		return nil, ErrClient("Unable to start new execute sessions because the maximum session limit of %d has been reached.", MaxSessions)
	case err != nil:
		return nil, err
	}
	return &Execution{Task: t, Container: c, Session: session}, nil
}

// notConnected is production's text.
const notConnected = "The execute command failed due to an internal error. Try again later."

// errTargetNotConnected tells more than AWS does where the agent is connected
// and yet not to be reached from here.
func (r *Room) errTargetNotConnected(t *Task) error {
	text := notConnected
	if i, ok := Instances.Get(r.st.Snapshot(), t.Scope.Key(t.Cluster, t.Instance)); ok && i.AgentConnected {
		text += " (This server holds no channel for commands of the container instance's agent. Where several servers share a store, call the one that the agent uses.)"
	}
	return apierr.Client("TargetNotConnectedException", "%s", text)
}

func (r *Room) execTask(s Scope, req ExecRequest) (*Task, error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, s, req.Cluster)
	if err != nil {
		return nil, err
	}
	found, err := findTasks(snap, s, c.Name, []string{req.Task})
	if err != nil {
		return nil, err
	}
	t := found[0].task
	switch {
	case t == nil:
		return nil, ErrInvalidParameter("The referenced task was not found.")
	case t.LastStatus != TaskRunning || !t.EnableExecuteCommand:
		return nil, ErrInvalidParameter(notExecutable)
	}
	return t, nil
}

// execContainer is the container that a request means, if a command can run in
// it.
func (t *Task) execContainer(name string) (*Container, error) {
	if name == "" && len(t.Containers) > 1 {
		return nil, ErrInvalidParameter("The container name is required when the task has more than one container.")
	}
	i := slices.IndexFunc(t.Containers, func(c Container) bool { return name == "" || c.Name == name })
	if i < 0 {
		return nil, ErrInvalidParameter("The task has no container named %s.", name)
	}
	c := &t.Containers[i]
	running := slices.ContainsFunc(c.ManagedAgents, func(a ManagedAgent) bool {
		return a.Name == agentproto.ExecuteCommandAgent && a.LastStatus == ContainerRunning
	})
	if c.LastStatus != ContainerRunning || c.RuntimeID == "" || !running {
		return nil, ErrInvalidParameter(notExecutable)
	}
	return c, nil
}
