// Package session is the server side of the two web sockets that every
// container agent keeps open: ACS, over which it is told of its tasks, and TCS,
// over which it reports health and utilisation.
//
// A session is just a watch: it follows the tasks of one container instance in
// the store and sends what the agent has not been told yet. It remembers per
// task what was last sent and nothing else, so a slow agent costs no queue and
// delays nobody; what it missed meanwhile is what the records say when it reads
// again. No state outlives the socket: on a reconnect, to this server or to
// another, everything that is not STOPPED is sent again, which agents take as an
// upsert. The credentials of tasks' roles go along, are renewed at half of their
// life, and are sent once more to an agent that has just begun; they are made when
// they are sent and kept nowhere.
//
// It promises one task per message, stops before starts, sequence numbers that
// never go back for an instance whatever server holds its socket, a heartbeat
// every 20 s, and an answer to everything that the protocol answers. It decides
// nothing about tasks: it neither places nor stops any, and it writes only
// whether an agent is connected and what its health checks said.
//
// It refuses the upgrade, never the open socket, to an agent that it does not
// want, since agents reconnect at once after most closes.
package session
