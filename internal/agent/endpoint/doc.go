// Package endpoint serves what the agent tells: to operators the introspection
// API on port 51678, to containers the task metadata, credentials and agent APIs
// on 169.254.170.2, and the container metadata file.
//
// It owns the shapes of these APIs and nothing else: it reads views of the
// engine and changes nothing. It promises the paths, members and texts of the
// ECS agent (ECS Developer Guide, "Amazon ECS container introspection", "Task
// metadata endpoint", "IAM roles for tasks", "Task scale-in protection
// endpoint"; where the guide is silent, the agent's release 1.105). A container
// reads what its secret ids unlock and nothing more: its own task, its own
// credentials. Ids are compared in a time that tells nothing of them.
package endpoint
