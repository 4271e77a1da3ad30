// Package instancehealth is the controller that notices when a server of the
// control plane has died with the sockets of agents in its hands: their container
// instances then take no more tasks (agentConnected false) until the agents have
// connected to another server. Tasks are left as they are.
//
// Each server that shares a store with others renews a record ([Announce]); the
// leader measures with its own clock for how long a record has not changed. Where
// the store is embedded there is one server only, and nothing to watch.
package instancehealth
