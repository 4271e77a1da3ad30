// Package agentproto holds the messages that travel on the two web sockets
// between an Amazon ECS container agent and its control plane: ACS (the poll
// socket, which carries tasks) and TCS (the telemetry socket).
//
// Both sides import it: internal/session is the server, internal/agent/link the
// client. It owns the JSON shapes and the framing and nothing else: no socket,
// no state, no decision. The shapes are those of agent release 1.105.1, member
// names are exact, and unknown members are ignored when decoding, so that an
// agent or a server of another version can be on the other end.
package agentproto
