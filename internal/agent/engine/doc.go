// Package engine makes the containers of the tasks that an instance was given
// do what the control plane wants, and says what became of them.
//
// Every task has one owner goroutine. It repeats: ask lifecycle.Next what to do,
// start those actions, wait for an answer, an exit or a deadline. Only the owner
// touches the task's [Record]; everybody else sends it work or reads the last
// published [View].
//
// What it promises:
//
//   - An accepted task survives the agent: its record is in the journal before
//     the receipt of [Engine.Apply] is done, and a container's process is
//     started only once the journal knows that the container was created. So no
//     container starts twice and none is forgotten, wherever the agent is killed.
//
//   - Reports of one task leave in order and again and again until they are
//     accepted; what was not accepted is sent after a restart.
//
//   - Tasks begin in the order in which they came. One that does not fit on the
//     instance waits, and those behind it with it (agent-protocol: host
//     resources). At most [Config.Parallel] containers are made at a time, those
//     of earlier tasks first.
//
//   - A stopped container's network is given back before STOPPED is reported;
//     its files stay for [Config.CleanupWait] and until STOPPED was accepted.
//
//   - Secrets, environment files and credentials are held in memory only: they
//     are looked up once per task, and again after a restart if a container still
//     has to be made. The journal knows their names, never their values.
//
//   - The end of a container is told within a second, though its task goes on.
//
// It refuses to speak to containerd, a registry or the control plane: those are
// behind the interfaces in effects.go.
package engine
