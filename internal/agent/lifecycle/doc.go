// Package lifecycle decides what has to happen to the containers of one task.
//
// [Next] is a pure function of what is wanted ([TaskSpec]) and what was seen
// ([Observed]); it never blocks, reads no clock and keeps no state. Its
// guarantees, which the tests hold as properties:
//
//   - forward only: a container moves NONE → MANIFEST_PULLED → PULLED → CREATED
//     → RUNNING → STOPPED and never back;
//   - once a task must stop, nothing of it is pulled, created or started;
//   - a container starts only when its dependencies are met, and is stopped only
//     after those that depend on it have stopped;
//   - a task that must stop reaches STOPPED whatever its containers do.
//
// It refuses to know how an action is done, or how often it is retried: that is
// the engine's. The rules are those of the ECS agent (ECS Developer Guide,
// "Container dependency", "Task lifecycle").
package lifecycle
