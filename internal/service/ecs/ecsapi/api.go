// Package ecsapi is the front door of Amazon ECS: it binds the operations of
// the API to the room, translates their shapes into the room's types and back,
// and decides nothing else.
//
// It promises the answers of AWS to the letter: lists that are empty are there,
// times are epoch seconds, names are whole ARNs. Errors come from the room and
// pass through untouched.
package ecsapi

import (
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/wire"
)

// Register binds every operation that the room serves.
func Register(m *wire.Mux, room *ecs.Room) {
	registerClusters(m, room)
	registerDefinitions(m, room)
	registerInstances(m, room)
	registerAttributes(m, room)
	registerTags(m, room)
	registerSettings(m, room)
	registerProviders(m, room)
	registerTasks(m, room)
	registerExec(m, room)
	registerServices(m, room)
}
