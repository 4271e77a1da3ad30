package execute

import (
	"context"
	"errors"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/ssmchannel"
)

// errNothing ends a control channel that nobody needs.
var errNothing = errors.New("no container may be entered")

// serveControl opens the control channel and begins the sessions that it tells
// of. It returns nil when there is nothing to enter any more.
func (a *Agent) serveControl(ctx context.Context) error {
	s, err := a.open(ctx, "/v1/control-channel/"+a.channel, "?role=subscribe&stream=input",
		ssmchannel.OpenRequest{AgentVersion: version, PlatformType: "linux"})
	if err != nil {
		return err
	}
	defer s.ws.CloseNow()
	a.setControl(s)
	defer a.setControl(nil)
	watch, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.work.Go(func() {
		if a.await(watch, false) == nil {
			cancel(errNothing)
			s.ws.Close(websocket.StatusNormalClosure, "nothing to enter")
		}
	})
	a.work.Go(func() {
		if err := s.ping(watch); watch.Err() == nil {
			cancel(err)
			s.ws.CloseNow()
		}
	})
	for {
		frame, err := s.Read(ctx)
		if errors.Is(context.Cause(watch), errNothing) {
			return nil
		}
		if err != nil {
			return err
		}
		a.receive(ctx, frame)
	}
}

func (a *Agent) setControl(s *socket) {
	a.mu.Lock()
	a.control = s
	a.mu.Unlock()
	a.cfg.Connected(s != nil)
}

// receive begins the session that a message tells of; others mean nothing.
func (a *Agent) receive(ctx context.Context, frame []byte) {
	m, err := ssmchannel.Decode(frame)
	if err != nil || m.Type != ssmchannel.TypeShell {
		return
	}
	task, err := ssmchannel.ParseShell(m)
	if err != nil {
		a.log.Warn("session ignored", "error", err)
		return
	}
	a.work.Go(func() {
		log := a.log.With("session", task.SessionID, "owner", task.SessionOwner)
		log.Info("session started", "target", task.Target)
		err := a.session(ctx, task)
		log.Info("session ended", "cause", err)
	})
}

// complete tells the control plane why a session could not run.
func (a *Agent) complete(ctx context.Context, session, output string) {
	a.mu.Lock()
	s := a.control
	a.mu.Unlock()
	if s == nil {
		return // the end of the data channel tells enough
	}
	// The control plane ends the session at once, and its context with it. A write to a web socket whose context ends
	// breaks the socket, and this one is all sessions'.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if err := s.tell(ctx, ssmchannel.NewTaskComplete(session, a.channel, "Failed", output)); err != nil {
		a.log.Debug("failure not told", "session", session, "error", err)
	}
}
