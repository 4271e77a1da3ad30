// Package execute is the agent's side of ECS Exec: it runs commands in
// containers for users who are connected by a session of AWS Systems Manager.
//
// It owns the control channel, over which the control plane tells of sessions,
// and one data channel for each session. The control channel is one for all
// containers of the agent, and open only while some container may be entered, so
// an agent without such tasks has no socket and no goroutine that wakes. It
// promises that a command is killed, with all that it started in its session of
// processes, when its user leaves or the agent stops; that its whole output was
// taken by the user before the session ends; and that a slow user slows the
// command down, not the agent.
//
// An agent that is killed leaves its commands to the runtime, which ends them when
// the agent starts again; users are told that the connection was lost. Nothing is
// remembered over a restart.
//
// It knows neither containerd nor the engine: how a command is started and which
// containers may be entered is given by Config.
package execute
