// Package rollout decides what becomes of a service's tasks and deployments: how
// many tasks to start, which to stop and why, when a deployment is completed,
// failed or rolled back, and what the service's events say about it.
//
// [Decide] is one pure function from a [State] to a [Plan]; the clock, the records
// and the placement's knowledge come in with the state. It keeps no memory: called
// twice on the same state it says the same, so whoever applies a plan may stop in
// the middle and start over.
//
// # Promises
//
//   - A plan never brings the healthy tasks of a service below
//     ceil(desired × minimumHealthyPercent / 100), nor those that run or are about
//     to above floor(desired × maximumPercent / 100)
//     (service_definition_parameters). What died by itself, or fell ill, is not a
//     plan's doing.
//   - As long as tasks can be started within the maximum, none that works is
//     stopped before its successor does: the minimum is used up only where nothing
//     else leads on.
//   - Every deployment ends: COMPLETED, FAILED, or superseded by a newer one; unless
//     its tasks can neither start nor fail, of which the events tell.
//
// # Choices where AWS is silent
//
// While a deployment is under way only its tasks are started; one that failed
// leaves the tasks of all deployments as they are, and what is lost of them is
// replaced by the newest deployment that had completed.
//
// A task without a container health check counts as healthy once it has been
// RUNNING for [State.Settle]. AWS waits 40 seconds; with 0 it counts at once.
package rollout
