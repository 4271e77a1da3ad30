// Package servicetasks is the controller that keeps services at what their users
// asked for: it follows services, deployments, tasks and container instances, has
// rollout decide what each change means for a service, and carries that out
// through the ECS room.
//
// # Promises
//
//   - Changes are acted upon as the watch brings them; nothing waits for a clock
//     but what rollout or a back-off wants.
//   - Per service one decision is carried out at a time, and it is void if the
//     service or one of its deployments has changed since it was looked at.
//   - A service whose tasks find no room is tried again after a wait that doubles
//     up to a minute, and at once when capacity in its cluster changes.
//
// Tasks are placed by the room, as many as fit in as few transactions as the store
// allows. A crash between the steps of a plan loses at most lines of the service's
// event history.
package servicetasks
