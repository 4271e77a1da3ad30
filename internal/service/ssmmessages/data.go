package ssmmessages

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/ssmchannel"
)

// sessionOf finds the session that a request names.
func (s *Server) sessionOf(r *http.Request) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	se := s.sessions[r.PathValue("id")]
	if se == nil {
		return nil, &apierr.Error{Code: "DoesNotExistException", Message: "There is no such session, or it has ended.", Status: http.StatusNotFound}
	}
	return se, nil
}

// createData is CreateDataChannel, which the session's agent calls.
func (s *Server) createData(w http.ResponseWriter, r *http.Request) {
	secret, err := s.agentToken(r)
	if err != nil {
		s.cfg.Mux.WriteError(w, r, err)
		return
	}
	answer(w, "CreateDataChannel", secret)
}

func (s *Server) agentToken(r *http.Request) (string, error) {
	body, _, err := readRequest(r)
	if err != nil {
		return "", err
	}
	call, err := s.caller(r, body, "CreateDataChannel", "*")
	if err != nil {
		return "", err
	}
	se, err := s.sessionOf(r)
	if err != nil {
		return "", err
	}
	if err := s.speaksFor(call, se.of); err != nil {
		return "", err
	}
	secret := token()
	s.mu.Lock()
	defer s.mu.Unlock()
	se.agentToken = secret
	return secret, nil
}

// openData is a data channel's web socket, of either end. The agent's request is
// signed; a client's may be, and then it must be of the session's account.
func (s *Server) openData(w http.ResponseWriter, r *http.Request) {
	se, err := s.sessionOf(r)
	if err == nil && signed(r) {
		err = s.checkSigner(r, se)
	}
	if err != nil {
		s.cfg.Mux.WriteError(w, r, err)
		return
	}
	conn, open, err := accept(s.ctx, w, r)
	if err != nil {
		s.log.Debug("data channel not opened", "session", se.id, "error", err)
		return
	}
	switch s.redeem(se, open.TokenValue) {
	case "client":
		s.serveClient(se, conn)
	case "agent":
		se.join(conn)
	default:
		conn.Close(websocket.StatusPolicyViolation, "token is invalid")
	}
}

func signed(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || r.URL.Query().Has("X-Amz-Signature")
}

func (s *Server) checkSigner(r *http.Request, se *session) error {
	call, err := s.caller(r, nil, "OpenDataChannel", "*")
	if err != nil {
		return err
	}
	if call.Account != se.of.Account {
		return apierr.Client("AccessDeniedException", "The session is of another account.")
	}
	return nil
}

// redeem uses a token up and tells whose it was.
func (s *Server) redeem(se *session, secret string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case same(se.clientToken, secret):
		se.clientToken = ""
		se.expiry.Stop()
		return "client"
	case same(se.agentToken, secret):
		se.agentToken = ""
		return "agent"
	}
	return ""
}

// join hands the agent's socket to the client's goroutine and waits for the end.
func (se *session) join(conn *websocket.Conn) {
	select {
	case se.agent <- conn:
		<-se.ended
	case <-se.ended:
		conn.Close(websocket.StatusNormalClosure, "session is over")
	}
}

// The ends of sessions that clients are told of, in words of ours.
var (
	errAgentAway  = &ssmchannel.ClosedError{Output: "The agent of the container instance does not answer."}
	errAgentLost  = &ssmchannel.ClosedError{Output: "The connection to the agent of the container instance was lost."}
	errIdle       = &ssmchannel.ClosedError{Output: "The session timed out: nothing was typed and nothing was written for too long."}
	errServerGone = &ssmchannel.ClosedError{Output: "The server is shutting down."}
	errClientGone = errors.New("the client is gone")
)

// serveClient is the life of a session whose client is there.
func (s *Server) serveClient(se *session, client *websocket.Conn) {
	defer s.forget(se)
	s.log.Info("session started", "session", se.id, "task", se.target.Task, "container", se.target.Container, "owner", se.target.Owner)
	agent, err := s.summon(se)
	if err != nil {
		se.goodbye(err, client)
	} else {
		err = s.relay(se, client, agent)
	}
	s.log.Info("session ended", "session", se.id, "cause", err)
}

// goodbye tells those who are still there that the session is over, and closes
// their sockets.
func (se *session) goodbye(cause error, conns ...*websocket.Conn) {
	text := ""
	if e, ok := errors.AsType[*ssmchannel.ClosedError](cause); ok {
		text = e.Output
	}
	m := ssmchannel.NewClosed(se.id, ssmchannel.Target(se.target.Cluster, se.target.Task, se.target.RuntimeID), text)
	var work sync.WaitGroup
	for _, conn := range conns {
		work.Go(func() {
			if send(context.Background(), conn, m) == nil {
				conn.Close(websocket.StatusNormalClosure, "session is over")
			}
			conn.CloseNow()
		})
	}
	work.Wait()
}

// summon tells the agent of the session and waits for its socket.
func (s *Server) summon(se *session) (*websocket.Conn, error) {
	c, err := s.control(s.ctx, se.of)
	if err != nil {
		return nil, errAgentAway
	}
	if err := send(s.ctx, c.conn, ssmchannel.NewShell(se.task())); err != nil {
		return nil, errAgentAway
	}
	patience := time.NewTimer(s.cfg.Answer)
	defer patience.Stop()
	select {
	case conn := <-se.agent:
		return conn, nil
	case <-se.ended:
		return nil, se.cause
	case <-patience.C:
		return nil, errAgentAway
	case <-s.ctx.Done():
		return nil, errServerGone
	}
}
