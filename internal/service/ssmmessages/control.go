package ssmmessages

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/ssmchannel"
)

// control is an open control channel.
type control struct {
	of   instance
	conn *websocket.Conn
}

// controlCaller finds out which instance a request to a control channel is of.
func (s *Server) controlCaller(r *http.Request, body []byte, action string) (instance, error) {
	cluster, id, ok := ssmchannel.ParseControlChannelID(r.PathValue("id"))
	if !ok {
		return instance{}, apierr.Client("ValidationException", "The channel is not named after a container instance.")
	}
	call, err := s.caller(r, body, action, "*")
	if err != nil {
		return instance{}, err
	}
	of := instance{ecs.Scope{Account: call.Account, Region: call.Region}, cluster, id}
	return of, s.speaksFor(call, of)
}

// createControl is CreateControlChannel.
func (s *Server) createControl(w http.ResponseWriter, r *http.Request) {
	body, _, err := readRequest(r)
	var of instance
	if err == nil {
		of, err = s.controlCaller(r, body, "CreateControlChannel")
	}
	if err != nil {
		s.cfg.Mux.WriteError(w, r, err)
		return
	}
	secret := token()
	s.mu.Lock()
	s.tokens[of.key()] = secret
	s.mu.Unlock()
	answer(w, "CreateControlChannel", secret)
}

// openControl is the control channel's web socket.
func (s *Server) openControl(w http.ResponseWriter, r *http.Request) {
	of, err := s.controlCaller(r, nil, "OpenControlChannel")
	if err != nil {
		s.cfg.Mux.WriteError(w, r, err)
		return
	}
	conn, open, err := accept(s.ctx, w, r)
	if err != nil {
		s.log.Debug("control channel not opened", "instance", of.arn(), "error", err)
		return
	}
	c := &control{of: of, conn: conn}
	if !s.install(c, open.TokenValue) {
		conn.Close(websocket.StatusPolicyViolation, "token is invalid")
		return
	}
	s.log.Info("control channel opened", "instance", of.arn(), "version", open.AgentVersion)
	err = s.serveControl(c)
	s.mu.Lock()
	if s.controls[of.key()] == c {
		delete(s.controls, of.key())
	}
	s.mu.Unlock()
	s.log.Info("control channel closed", "instance", of.arn(), "cause", err)
}

// install makes c the control channel of its instance; the newest one counts.
func (s *Server) install(c *control, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := c.of.key()
	if !same(s.tokens[key], secret) {
		return false
	}
	delete(s.tokens, key)
	if old := s.controls[key]; old != nil {
		old.conn.CloseNow()
	}
	s.controls[key] = c
	close(s.changed)
	s.changed = make(chan struct{})
	return true
}

// serveControl reads what the agent says until the channel ends.
func (s *Server) serveControl(c *control) error {
	ctx, cancel := context.WithCancelCause(s.ctx)
	pinging := make(chan struct{})
	go func() {
		defer close(pinging)
		cancel(ping(ctx, c.conn))
	}()
	defer func() {
		cancel(nil)
		<-pinging
		c.conn.CloseNow()
	}()
	for {
		kind, frame, err := c.conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary {
			continue
		}
		m, err := ssmchannel.Decode(frame)
		if err != nil || m.Type != ssmchannel.TypeTaskComplete {
			continue
		}
		var done ssmchannel.TaskComplete
		if json.Unmarshal(m.Payload, &done) == nil {
			s.complete(c.of, done)
		}
	}
}

// complete ends a session whose command has ended, or could not run.
func (s *Server) complete(of instance, done ssmchannel.TaskComplete) {
	s.mu.Lock()
	se := s.sessions[done.TaskID]
	s.mu.Unlock()
	if se != nil && se.of == of {
		se.end(&ssmchannel.ClosedError{Output: done.Output})
	}
}

// ping keeps a connection alive and finds out when it is not. It returns when
// it is dead or ctx ends. Somebody must read from the connection meanwhile.
func ping(ctx context.Context, conn *websocket.Conn) error {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		patience, cancel := context.WithTimeout(ctx, pingInterval)
		err := conn.Ping(patience)
		cancel()
		if err != nil {
			return fmt.Errorf("ping: %w", err)
		}
	}
}

// control waits a moment for the control channel of an instance.
func (s *Server) control(ctx context.Context, of instance) (*control, error) {
	patience := time.NewTimer(max(s.cfg.Reconnect, 0))
	defer patience.Stop()
	for {
		s.mu.Lock()
		c, changed := s.controls[of.key()], s.changed
		s.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return nil, ecs.ErrNotConnected
		case <-s.ctx.Done():
			return nil, ecs.ErrNotConnected
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
