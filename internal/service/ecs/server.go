package ecs

import (
	"context"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// Server is the sign of life of one process of the control plane, among several
// that share a store. Its clock is its own: what tells others that it lives is
// that the record changes.
type Server struct {
	ID     string    `json:"id"`
	SeenAt time.Time `json:"seenAt"`
}

// Key is the server's store key.
func (s *Server) Key() string { return store.Key(s.ID) }

// AnnounceServer renews the sign of life of a server.
func (r *Room) AnnounceServer(ctx context.Context, id string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		Servers.Put(tx, &Server{ID: id, SeenAt: apiNow()})
		return nil
	})
}

// ForgetServer removes a server that is gone.
func (r *Room) ForgetServer(ctx context.Context, id string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		Servers.Delete(tx, store.Key(id))
		return nil
	})
}

// ConnectedServer is the id of the server that holds the agent's socket: what
// stands before the first slash of the connection's name. It is empty for an
// agent that is not connected, and for a connection without a server's name.
func (i *ContainerInstance) ConnectedServer() string {
	server, _, ok := strings.Cut(i.Connection, "/")
	if !ok || !i.AgentConnected {
		return ""
	}
	return server
}
