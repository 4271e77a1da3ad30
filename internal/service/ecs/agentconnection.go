package ecs

import (
	"context"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/store"
)

// AgentConnection is one ACS socket of an agent.
type AgentConnection struct {
	ID                                     string // names the connection
	AgentVersion, AgentHash, DockerVersion string
}

// ConnectAgent notes that an agent has opened its socket, from which moment its
// instance takes tasks. The error of an instance that is deregistered or was
// never registered is InactiveInstanceException.
func (r *Room) ConnectAgent(ctx context.Context, s Scope, cluster, instance string, conn AgentConnection) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		inst, ok := Instances.Get(tx, s.Key(cluster, instance))
		if !ok || inst.Status == StatusInactive {
			return ErrInstanceInactive()
		}
		next := *inst
		next.AgentConnected, next.Connection, next.ConnectionAt = true, conn.ID, apiNow()
		next.AgentVersion, next.AgentHash = clip(conn.AgentVersion, maxVersionText), clip(conn.AgentHash, maxVersionText)
		next.DockerVersion = clip(conn.DockerVersion, maxVersionText)
		next.Sequence = nextSequence(inst.Sequence, time.Now())
		next.Version++
		Instances.Put(tx, &next)
		return nil
	})
}

// perConnection is the room for the messages of one connection.
const perConnection = 1 << 24

// nextSequence is where the numbers of a connection begin: above those of the
// connection before, whichever server held it, and above those of connections of
// which the store knows nothing because it was put back from a copy; for these
// the clock speaks. The numbers stay below 2^53, which every JSON reader can hold.
func nextSequence(before int64, now time.Time) int64 {
	const perMillisecond = 1 << 11
	return max(before+perConnection, now.UnixMilli()*perMillisecond)
}

// ErrInstanceInactive tells an agent that its instance is deregistered.
func ErrInstanceInactive() error {
	return apierr.Client(agentproto.TypeInactiveInstance, "The container instance is not registered or has been deregistered.")
}

// DisconnectAgent notes that the connection is over, unless the agent has a
// newer one. Its tasks are left as they are.
func (r *Room) DisconnectAgent(ctx context.Context, s Scope, cluster, instance, connection string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		inst, ok := Instances.Get(tx, s.Key(cluster, instance))
		if ok && inst.AgentConnected && inst.Connection == connection {
			Instances.Put(tx, inst.disconnected())
		}
		return nil
	})
}

func (i *ContainerInstance) disconnected() *ContainerInstance {
	next := *i
	next.AgentConnected, next.ConnectionAt = false, apiNow()
	next.Version++
	return &next
}

// ResetConnections ends what a server that died left behind: when this process
// is the only one, no connection can be older than it.
func (r *Room) ResetConnections(ctx context.Context) error {
	var keys []string
	for inst := range Instances.List(r.st.Snapshot(), "") {
		if inst.AgentConnected {
			keys = append(keys, inst.Key())
		}
	}
	for batch := range slices.Chunk(keys, maxStopBatch) {
		err := r.st.Update(ctx, func(tx *store.Tx) error {
			for _, key := range batch {
				if inst, ok := Instances.Get(tx, key); ok && inst.AgentConnected {
					Instances.Put(tx, inst.disconnected())
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
