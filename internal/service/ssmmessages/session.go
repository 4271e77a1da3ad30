package ssmmessages

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/ssmchannel"
)

// session is one that was opened and has not ended.
type session struct {
	id     string
	of     instance
	target ecs.ExecTarget

	clientToken, agentToken string // guarded by the server's mutex; "" when used

	expiry *time.Timer          // ends it if no client comes
	agent  chan *websocket.Conn // the agent's socket, when it comes

	once  sync.Once
	ended chan struct{}
	cause error
}

// end ends the session; the first cause counts.
func (se *session) end(cause error) {
	se.once.Do(func() {
		se.cause = cause
		close(se.ended)
	})
}

// Open prepares a session in a container. The agent is told when the client
// comes.
func (s *Server) Open(ctx context.Context, t ecs.ExecTarget) (ecs.ExecSession, error) {
	of := instance{t.Scope, t.Cluster, t.Instance}
	if _, err := s.control(ctx, of); err != nil {
		return ecs.ExecSession{}, err
	}
	se := &session{
		// As AWS names them.
		id: "ecs-execute-command-" + strings.ToLower(token()), of: of, target: t,
		clientToken: token() + token(), agent: make(chan *websocket.Conn), ended: make(chan struct{}),
	}
	secret := se.clientToken
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ecs.ExecSession{}, ecs.ErrNotConnected
	}
	n := 0
	for _, other := range s.sessions {
		if other.target.RuntimeID == t.RuntimeID && other.of == of {
			n++
		}
	}
	if n >= ecs.MaxSessions {
		return ecs.ExecSession{}, ecs.ErrSessionLimit
	}
	s.sessions[se.id] = se
	se.expiry = time.AfterFunc(s.cfg.Opening, func() { s.forget(se) })
	return ecs.ExecSession{
		ID: se.id, Token: secret,
		StreamURL: "ws" + strings.TrimPrefix(t.Origin, "http") + DataPath + se.id + "?role=publish_subscribe",
	}, nil
}

// forget ends a session for good.
func (s *Server) forget(se *session) {
	se.end(&ssmchannel.ClosedError{})
	s.mu.Lock()
	defer s.mu.Unlock()
	se.expiry.Stop()
	delete(s.sessions, se.id)
}

// task is what the agent is told.
func (se *session) task() ssmchannel.SessionTask {
	t := se.target
	return ssmchannel.SessionTask{
		DocumentName: "AmazonECS-ExecuteInteractiveCommand",
		DocumentContent: ssmchannel.SessionDocument{
			SchemaVersion: "1.0", SessionType: ssmchannel.SessionInteractive,
			Properties: ssmchannel.ShellProperties{Linux: ssmchannel.ShellConfig{Commands: t.Command, RunAsElevated: true}},
		},
		SessionID: se.id, SessionOwner: t.Owner, Target: ssmchannel.Target(t.Cluster, t.Task, t.RuntimeID),
	}
}
