package execute

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/ssmchannel"
)

// The SSM agent's patience with a handshake, and ours with the end.
const (
	handshakePatience = 15 * time.Second
	endPatience       = 10 * time.Second
)

// session is one command and its user.
type session struct {
	agent   *Agent
	task    ssmchannel.SessionTask
	channel *ssmchannel.Channel
	answers chan ssmchannel.HandshakeResponse
	stdin   *io.PipeReader
	typed   *io.PipeWriter

	// extra says what the client wants beyond a terminal; nil: nothing.
	extra *ssmchannel.SessionResult

	mu      sync.Mutex // guards the rest
	greeted bool
	size    ssmchannel.Size
	process Process
}

// terminal tells whether the command has one.
func (s *session) terminal() bool { return s.extra == nil || s.extra.Terminal }

// session takes part in a session until it ends, and says why it did.
func (a *Agent) session(ctx context.Context, task ssmchannel.SessionTask) error {
	data, err := a.open(ctx, "/v1/data-channel/"+task.SessionID, "?role=publish_subscribe",
		ssmchannel.OpenRequest{ClientID: task.SessionID, ClientInstanceID: a.channel})
	if err != nil {
		return err
	}
	defer data.ws.CloseNow()
	s := &session{agent: a, task: task, channel: ssmchannel.NewAgent(data), answers: make(chan ssmchannel.HandshakeResponse, 1)}
	s.stdin, s.typed = io.Pipe()
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(ctx, func() { s.stdin.CloseWithError(io.ErrClosedPipe) })()
	over := make(chan struct{})
	go func() {
		defer close(over)
		cancel(s.channel.Run(ctx, s.handle))
	}()
	a.work.Go(func() {
		_ = data.ping(ctx) // it ends with an error, always
		data.ws.CloseNow() // Run notices
	})
	err = s.command(ctx)
	s.stdin.CloseWithError(io.ErrClosedPipe)
	if ctx.Err() == nil {
		s.tellEnd(ctx, err)
		awaitEnd(ctx, over)
	}
	cancel(errors.Join(err, io.EOF))
	<-over
	return context.Cause(ctx)
}

// awaitEnd gives the control plane time to end the session, for what it was told
// is lost with the socket.
func awaitEnd(ctx context.Context, over <-chan struct{}) {
	patience := time.NewTimer(endPatience)
	defer patience.Stop()
	select {
	case <-over:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// tellEnd tells the control plane that the command has ended, or could not run.
func (s *session) tellEnd(ctx context.Context, err error) {
	if err != nil {
		// This is how users of AWS see it.
		s.agent.complete(ctx, s.task.SessionID, "\n----------ERROR-------\n"+err.Error())
		return
	}
	state := ssmchannel.State{SchemaVersion: 1, SessionState: ssmchannel.StateTerminating, SessionID: s.task.SessionID}
	if err := s.channel.Tell(ctx, ssmchannel.New(ssmchannel.TypeState, state)); err != nil {
		s.agent.log.Debug("end not told", "session", s.task.SessionID, "error", err)
	}
}

// command greets the user and runs the command to its end.
func (s *session) command(ctx context.Context) error {
	if err := s.handshake(ctx); err != nil {
		return err
	}
	p, err := s.start(ctx)
	if err != nil {
		return fmt.Errorf("Unable to start command: %w", err) //nolint:staticcheck // AWS's words
	}
	code, err := p.Wait(ctx)
	if err != nil {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
		defer cancel()
		if kerr := p.Kill(patience); kerr != nil {
			s.agent.log.Error("command not killed", "session", s.task.SessionID, "error", kerr)
		}
		_, werr := p.Wait(patience) // so that what it holds is free
		return errors.Join(err, werr)
	}
	if s.extra != nil {
		if err := s.channel.Send(ctx, ssmchannel.KindExitCode, []byte(strconv.Itoa(code))); err != nil {
			return err
		}
	}
	return s.channel.Flush(ctx)
}

// handshake tells the client what kind of session it is.
func (s *session) handshake(ctx context.Context) error {
	began := time.Now()
	parameters, err := json.Marshal(ssmchannel.SessionParameters{
		SessionType: ssmchannel.SessionInteractive, Properties: s.task.DocumentContent.Properties,
	})
	if err != nil {
		return fmt.Errorf("encode handshake: %w", err)
	}
	err = s.channel.SendJSON(ctx, ssmchannel.KindHandshakeRequest, ssmchannel.HandshakeRequest{
		AgentVersion: version, Actions: []ssmchannel.RequestedAction{{Type: ssmchannel.ActionSession, Parameters: parameters}},
	})
	if err != nil {
		return err
	}
	patience := time.NewTimer(handshakePatience)
	defer patience.Stop()
	select {
	case answer := <-s.answers:
		if err := s.accept(answer); err != nil {
			return err
		}
	case <-patience.C:
		return errors.New("Handshake timed out. Please ensure that you have the latest version of the session manager plugin.") //nolint:staticcheck // AWS's words
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return s.channel.SendJSON(ctx, ssmchannel.KindHandshakeComplete, ssmchannel.HandshakeComplete{TimeToComplete: time.Since(began)})
}

// accept reads what the client made of the request.
func (s *session) accept(answer ssmchannel.HandshakeResponse) error {
	for _, action := range answer.Actions {
		if action.Status != ssmchannel.ActionSuccess {
			return fmt.Errorf("%s failed on client with status %d error: %s", action.Type, action.Status, action.Error)
		}
		var extra *ssmchannel.SessionResult
		if action.Type == ssmchannel.ActionSession && len(action.Result) > 0 && json.Unmarshal(action.Result, &extra) == nil {
			s.extra = extra
		}
	}
	return nil
}

// start starts the command in the container.
func (s *session) start(ctx context.Context) (Process, error) {
	c, ok := s.agent.enter(s.task.Target)
	if !ok {
		return nil, errors.New("the container does not run any more")
	}
	args, err := ssmchannel.Split(s.task.DocumentContent.Properties.Linux.Commands)
	if err != nil {
		return nil, fmt.Errorf("Failed to parse commands input: %w", err) //nolint:staticcheck // AWS's words
	}
	if len(args) == 0 {
		args = []string{"sh"} // as the SSM agent
	}
	// Root, whoever the container runs as: the SSM agent of ECS Exec is.
	command := Command{Args: args, User: "0", Env: []string{"HOME=/root"}, TTY: s.terminal(), Stdin: s.stdin, Stdout: s.output(ctx, ssmchannel.KindOutput)}
	if command.TTY {
		command.Env = append(command.Env, "TERM=xterm-256color")
	} else {
		command.Stderr = s.output(ctx, ssmchannel.KindStderr)
	}
	p, err := s.agent.cfg.Start(ctx, c.ID, command)
	if err != nil && command.TTY {
		return nil, fmt.Errorf("Failed to start pty: %w", err) //nolint:staticcheck // AWS's words
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.process = p
	size := s.size
	s.mu.Unlock()
	s.resize(ctx, p, size)
	return p, nil
}

func (s *session) resize(ctx context.Context, p Process, size ssmchannel.Size) {
	const most = 1<<16 - 1
	if p == nil || !s.terminal() || size.Rows == 0 || size.Cols == 0 {
		return
	}
	// A terminal of a wrong size is no reason to end a session.
	if err := p.Resize(ctx, uint16(min(size.Rows, most)), uint16(min(size.Cols, most))); err != nil {
		s.agent.log.Debug("terminal not resized", "session", s.task.SessionID, "error", err)
	}
}

// output sends what the command writes.
func (s *session) output(ctx context.Context, kind ssmchannel.Kind) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		if len(p) == 0 {
			return 0, nil
		}
		if err := s.channel.Send(ctx, kind, p); err != nil {
			return 0, err
		}
		return len(p), nil
	})
}

type writerFunc func(p []byte) (int, error)

// Write calls f.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// handle takes what the client sends. Before the handshake that is nothing but
// its answer.
func (s *session) handle(ctx context.Context, m ssmchannel.Message) error {
	s.mu.Lock()
	greeted := s.greeted
	s.mu.Unlock()
	switch {
	case m.Kind == ssmchannel.KindHandshakeResponse:
		return s.greet(m)
	case !greeted:
	case m.Kind == ssmchannel.KindOutput:
		s.input(m)
	case m.Kind == ssmchannel.KindSize:
		s.resized(ctx, m)
	case m.Kind == ssmchannel.KindFlag && len(m.Payload) == 4 && binary.BigEndian.Uint32(m.Payload) == ssmchannel.FlagTerminate:
		return &ssmchannel.ClosedError{}
	}
	return nil
}

func (s *session) greet(m ssmchannel.Message) error {
	var answer ssmchannel.HandshakeResponse
	if err := json.Unmarshal(m.Payload, &answer); err != nil {
		return fmt.Errorf("decode handshake: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.greeted {
		s.greeted = true
		s.answers <- answer
	}
	return nil
}

// input waits until the command has read it. What a command that has ended did
// not read is nobody's loss.
func (s *session) input(m ssmchannel.Message) {
	if len(m.Payload) > 0 {
		_, _ = s.typed.Write(m.Payload)
	}
	if m.Flags&ssmchannel.FlagFIN != 0 {
		_ = s.typed.Close() // never fails
	}
}

func (s *session) resized(ctx context.Context, m ssmchannel.Message) {
	var size ssmchannel.Size
	if json.Unmarshal(m.Payload, &size) != nil {
		return
	}
	s.mu.Lock()
	s.size = size
	p := s.process
	s.mu.Unlock()
	s.resize(ctx, p, size)
}
