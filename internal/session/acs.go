package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// resendAfter is when a message that was not acknowledged is sent again. Agents
// acknowledge as soon as they have written the task down, and work on one
// message at a time.
const resendAfter = time.Minute

// acs is one open poll socket. The goroutine that serves the request reads; a
// second one follows the records and writes.
type acs struct {
	srv  *Server
	of   Instance
	id   string // names the connection in the instance's record
	conn *websocket.Conn
	seq  sequence
	// closes tells whether the agent lets the server end a silent connection
	// (protocolVersion 2).
	closes bool
	origin string // of the agent's requests to this server
	// forgot: the agent has just begun and has no credentials of its tasks
	// (sendCredentials).
	forgot bool
	renew  renewals // of follow alone

	mu       sync.Mutex // guards the rest
	out      *outbox
	seen     *store.Snapshot // at the last look
	manifest string          // message id of the manifest
	alive    time.Time       // when the agent last said anything
}

func (s *Server) serveACS(w http.ResponseWriter, r *http.Request) {
	of, ok := s.admit(w, r, "ecs:Poll", "clusterArn", "containerInstanceArn")
	if !ok {
		return
	}
	q := r.URL.Query()
	a := &acs{
		srv: s, of: of, closes: q.Get("protocolVersion") >= "2",
		id:     fmt.Sprintf("%s/%d", s.cfg.ServerID, s.connections.Add(1)),
		origin: origin(r), forgot: q.Get("sendCredentials") == "true", renew: renewals{},
		out: newOutbox(resendAfter), alive: time.Now(),
	}
	err := s.cfg.Room.ConnectAgent(r.Context(), of.Scope, of.Cluster, of.ID, ecs.AgentConnection{
		ID:            a.id,
		AgentVersion:  q.Get("agentVersion"),
		AgentHash:     q.Get("agentHash"),
		DockerVersion: q.Get("dockerVersion"),
	})
	if err != nil {
		s.refuseConnect(w, r, err)
		return
	}
	if inst, ok := ecs.Instances.Get(s.cfg.Room.Store().Snapshot(), of.Key(of.Cluster, of.ID)); ok {
		a.seq.last = inst.Sequence
	}
	if a.conn, err = accept(w, r); err != nil {
		s.log.Debug("upgrade failed", "instance", of.ARN(), "error", err)
	} else {
		s.log.Info("agent connected", "instance", of.ARN(), "version", q.Get("agentVersion"))
		s.open.Add(1)
		cause := a.run(s.ctx)
		s.open.Add(-1)
		s.log.Info("agent disconnected", "instance", of.ARN(), "cause", cause)
	}
	s.disconnect(a)
}

func (s *Server) refuseConnect(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		refuse(w, http.StatusBadRequest, e.Code, e.Message)
		return
	}
	s.cfg.Mux.WriteError(w, r, err)
}

// disconnect records that the agent is away, unless it comes back at once.
func (s *Server) disconnect(a *acs) {
	if s.cfg.Grace > 0 {
		select {
		case <-time.After(s.cfg.Grace):
		case <-s.ctx.Done():
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	if err := s.cfg.Room.DisconnectAgent(ctx, a.of.Scope, a.of.Cluster, a.of.ID, a.id); err != nil && !errors.Is(err, store.ErrClosed) {
		s.log.Error("disconnect not recorded", "instance", a.of.ARN(), "error", err)
	}
}

// run serves the socket until either side ends it, and returns why.
func (a *acs) run(ctx context.Context) error {
	return serve(ctx, a.conn, a.read, a.follow)
}

// errServerClosing ends sessions when the server stops.
var errServerClosing = errors.New("server is closing")

// follow sends what the records say until the socket or the server ends.
func (a *acs) follow(ctx context.Context) error {
	beat := time.NewTicker(a.srv.cfg.Heartbeat)
	defer beat.Stop()
	index := a.of.Key(a.of.Cluster, a.of.ID)
	greeted := false
	for {
		snap := a.srv.cfg.Room.Store().Snapshot()
		if end := a.over(snap); end != nil {
			return end
		}
		if err := a.tell(ctx, snap, index); err != nil {
			return err
		}
		if !greeted {
			greeted = true
			if err := a.greet(ctx, snap, index); err != nil {
				return err
			}
			if err := a.refresh(ctx, snap, index); err != nil {
				return err
			}
		}
		select {
		case <-ecs.Tasks.Changed(snap, ecs.IndexInstance, index):
		case <-ecs.Instances.Changed(snap, "", index):
		case <-beat.C:
			if err := a.heartbeat(ctx); err != nil {
				return err
			}
			if err := a.refresh(ctx, snap, index); err != nil {
				return err
			}
		case <-ctx.Done():
			if a.srv.ctx.Err() != nil {
				a.conn.Close(websocket.StatusGoingAway, "server is closing")
				return errServerClosing
			}
			return context.Cause(ctx)
		}
	}
}

// over tells whether the socket has no right to be any more, and closes it. The
// close code is one after which agents wait before they come back.
func (a *acs) over(snap *store.Snapshot) error {
	inst, ok := ecs.Instances.Get(snap, a.of.Key(a.of.Cluster, a.of.ID))
	reason := ""
	switch {
	case !ok || inst.Status == ecs.StatusInactive:
		reason = "instance is deregistered"
	case inst.Connection != a.id:
		reason = "agent has a newer connection"
	default:
		return nil
	}
	a.conn.Close(websocket.StatusPolicyViolation, reason)
	return errors.New(reason)
}

// tell sends what is due, one task per message.
func (a *acs) tell(ctx context.Context, snap *store.Snapshot, index string) error {
	a.mu.Lock()
	due := a.out.due(a.changes(snap, index), time.Now())
	a.seen = snap
	a.mu.Unlock()
	for _, t := range due {
		task, err := a.srv.cfg.Room.PayloadOf(snap, t, a.origin)
		if err != nil {
			a.srv.log.Error("task cannot be sent", "task", t.ARN(), "error", err)
			continue
		}
		a.credentials(ctx, t, &task)
		if err := a.payload(ctx, t, task); err != nil {
			return err
		}
	}
	return nil
}

// changes are the instance's tasks that differ from the last look, all at first.
func (a *acs) changes(snap *store.Snapshot, index string) iter.Seq2[*ecs.Task, *ecs.Task] {
	if a.seen != nil {
		return ecs.Tasks.Differences(a.seen, snap, ecs.IndexInstance, index)
	}
	return func(yield func(before, after *ecs.Task) bool) {
		for t := range ecs.Tasks.By(snap, ecs.IndexInstance, index) {
			if !yield(nil, t) {
				return
			}
		}
	}
}

func (a *acs) payload(ctx context.Context, t *ecs.Task, task agentproto.Task) error {
	now := time.Now()
	seq := a.seq.next()
	message := agentproto.Payload{
		ClusterARN:           a.of.clusterARN(),
		ContainerInstanceARN: a.of.ARN(),
		MessageID:            a.messageID(seq),
		GeneratedAt:          now.UnixMilli(),
		SeqNum:               seq,
		Tasks:                []agentproto.Task{task},
	}
	a.mu.Lock()
	a.out.sent(t, message.MessageID, now)
	a.mu.Unlock()
	return send(ctx, a.conn, agentproto.TypePayload, message)
}

func (a *acs) messageID(seq int64) string { return fmt.Sprintf("%s/%d", a.id, seq) }

func (a *acs) heartbeat(ctx context.Context) error {
	a.mu.Lock()
	silent := time.Since(a.alive)
	a.mu.Unlock()
	if a.closes && gone(silent, a.srv.cfg.Heartbeat) {
		a.conn.CloseNow()
		return fmt.Errorf("no heartbeat answered for %s", silent.Round(time.Second))
	}
	return send(ctx, a.conn, agentproto.TypeHeartbeat, agentproto.Heartbeat{Healthy: true, MessageID: a.messageID(a.seq.next())})
}

// gone tells whether an agent that has been silent for so long is not there any
// more.
func gone(silent, heartbeat time.Duration) bool { return silent > lostAcks*heartbeat }

// read takes what the agent says until the socket ends.
func (a *acs) read(ctx context.Context) error {
	for {
		_, frame, err := a.conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		a.mu.Lock()
		a.alive = time.Now()
		a.mu.Unlock()
		e, err := agentproto.Decode(frame)
		if err != nil {
			a.srv.ignored(a.of, err)
			continue
		}
		if err := a.receive(ctx, e); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
}

// receive handles one message. Types that it does not know are left alone, as
// agents do; acknowledgments of heartbeats and of credentials need nothing.
func (a *acs) receive(ctx context.Context, e agentproto.Envelope) error {
	switch e.Type {
	case agentproto.TypeAck:
		if m, ok := message[agentproto.Ack](a.srv, a.of, e); ok {
			a.mu.Lock()
			a.out.acked(m.MessageID)
			a.mu.Unlock()
		}
	case agentproto.TypeNack:
		if m, ok := message[agentproto.Nack](a.srv, a.of, e); ok {
			a.srv.log.Warn("agent refused a message", "instance", a.of.ARN(), "reason", m.Reason)
		}
	case agentproto.TypeTaskStopVerification:
		if m, ok := message[agentproto.TaskStopVerification](a.srv, a.of, e); ok {
			return a.verify(ctx, m)
		}
	}
	return nil
}
