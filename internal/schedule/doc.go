// Package schedule decides which container instances tasks are placed on, and which tasks a service stops when it
// scales in. It is pure: no store, no clock, and chance only from the source that the caller passes.
//
// A [Fleet] indexes the instances of one cluster. [Fleet.Place] finds instances for the tasks of one [Request] the way
// Amazon ECS documents it (developer guide, task-placement): instances that are not ACTIVE are no candidates at all;
// filters then test the agent, CPU, memory, host ports, GPUs, network interfaces, required attributes, Availability
// Zones, memberOf and distinctInstance constraints, in this order; of the instances that are left, each strategy in
// turn keeps the best; chance decides the rest. What is placed is reserved in the fleet at once. [Victims] does the
// reverse.
//
// # Promises
//
// A fleet never places more than an instance has left, never two tasks on one host port, and never against a
// constraint; strategies are best effort. When a task finds no instance, every instance that was examined is refused
// with the reason of the first filter that it failed, in the words of the failures[] of RunTask.
//
// # Cost
//
// For each shape of request a fleet keeps a ranking of the instances that can take it: a heap per spread value, nested
// as the strategies are, with attribute constraints evaluated once per set of attributes. One more placement costs
// O(log n); a ranking that was used before catches up with just the instances that have changed since. A request that
// has [Request.Only], or a shape not seen lately, costs one pass over the fleet.
//
// # Choices where AWS is silent
//
//   - A spread counts the tasks on ACTIVE instances, full or not; those on draining instances are about to go.
//   - A spread that follows another counts within the value that the first one chose; one that follows a binpack counts
//     in the whole cluster.
//   - Instances without the attribute of a spread form one more value.
//   - RunTask without a strategy takes the instance with the fewest tasks.
//
// A Fleet is not safe for concurrent use.
package schedule
