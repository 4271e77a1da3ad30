// Package ssmmessages is the message gateway of AWS Systems Manager, as far as
// ECS Exec needs it: the control channel over which an agent learns of sessions,
// and the data channels at which the two ends of a session meet.
//
// A session is opened by [Server.Open], begins when its client comes, and ends
// with whatever ends first: the command, its container, the client's socket, the
// agent's socket, 20 minutes without a key or a byte of output, or this server.
// Whoever is still there is told by channel_closed, upon which an agent kills the
// command and a client ends. Nothing is resumed: a client that has lost its
// connection starts anew.
//
// It promises that only the instance on which the container runs can take the
// agent's place in a session, that a client's token is good for one socket within
// a minute, that a client who signs its request (newer plugins do) must be of the
// session's account, and that only stream messages pass from one end to the other.
// It looks at no payload and keeps nothing of it.
//
// All its state is sockets and goes with them, so nothing is in the store. Both
// ends of a session must be connected to the same server: with several servers
// over one store it refuses, by ecs.ErrNotConnected, to open sessions to agents
// whose control channel is at another one.
package ssmmessages
