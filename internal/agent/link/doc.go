// Package link is the agent's side of all that it says to the control plane:
// the ECS API, the two web sockets ACS and TCS, and ECR's tokens.
//
// It speaks what the Amazon ECS agent speaks, so the control plane may be
// anybody's. It promises that a socket is kept open for as long as it is asked
// to ([Session.RunACS], [Session.RunTCS]): silence, expiry and loss end in a new
// connection, with the pauses of the ECS agent. A payload is acknowledged only
// when the engine says that it is durable. A message of an unknown type, or
// without a member that it must have, is logged and ignored; it never closes the
// socket. It refuses what the instance can't do (agent updates) by a Nack.
package link
