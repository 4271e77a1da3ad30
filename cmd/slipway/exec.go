package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/slipway/slipway/internal/client"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/ssmchannel"
)

// execOptions are the flags of `slipway exec`.
type execOptions struct{ dataDir, cluster, container string }

func execCommand() *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec TASK [-c CONTAINER] -- COMMAND [ARG…]",
		Short: "Run a command in a container of a running task",
		Long: `Run a command as root in a container of a task that was run with ECS Exec
enabled. TASK is an id or an ARN. At a terminal the command has a terminal of the
same size; otherwise its input, output and errors are those of this command. The
exit code is the command's.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := o.open(cmd.Context(), args[0], args[1:])
			if err != nil {
				return err
			}
			return s.run(cmd.Context())
		},
	}
	dataDirFlag(cmd, &o.dataDir)
	f := cmd.Flags()
	f.StringVar(&o.cluster, "cluster", "default", "`NAME` or ARN of the task's cluster")
	f.StringVarP(&o.container, "container", "c", "", "`NAME` of the container; needed if the task has several")
	return cmd
}

// open asks for a session and connects to it.
func (o *execOptions) open(ctx context.Context, task string, command []string) (*execSession, error) {
	c, err := client.Open(o.dataDir)
	if err != nil {
		return nil, err
	}
	in := ecsshape.ExecuteCommandInput{Cluster: &o.cluster, Task: &task, Command: new(ssmchannel.Join(command)), Interactive: new(true)}
	if o.container != "" {
		in.Container = &o.container
	}
	var out ecsshape.ExecuteCommandOutput
	if err := c.Call(ctx, "ecs", ecsshape.API.TargetPrefix+".ExecuteCommand", in, &out); err != nil {
		return nil, fmt.Errorf("execute the command: %w", err)
	}
	if out.Session == nil || out.Session.StreamUrl == nil || out.Session.TokenValue == nil {
		return nil, errors.New("execute the command: the answer has no session")
	}
	ws, _, err := websocket.Dial(ctx, *out.Session.StreamUrl, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to the session: %w", err)
	}
	ws.SetReadLimit(1 << 20)
	hello, err := json.Marshal(ssmchannel.OpenRequest{
		MessageSchemaVersion: ssmchannel.SchemaVersion, RequestID: uuid.NewString(), TokenValue: *out.Session.TokenValue,
		ClientID: uuid.NewString(), ClientVersion: clientVersion,
	})
	if err == nil {
		err = ws.Write(ctx, websocket.MessageText, hello)
	}
	if err != nil {
		ws.CloseNow()
		return nil, fmt.Errorf("connect to the session: %w", err)
	}
	return newExecSession(ws), nil
}

// clientVersion is the release of the session-manager-plugin whose protocol is
// spoken.
const clientVersion = "1.2.707.0"

// execSession is a command that runs, seen from here.
type execSession struct {
	ws       *websocket.Conn
	channel  *ssmchannel.Channel
	terminal bool
	code     int // of the command; -1 while it is not known
}

func newExecSession(ws *websocket.Conn) *execSession {
	s := &execSession{ws: ws, code: -1}
	s.terminal = term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
	s.channel = ssmchannel.NewClient(execSocket{ws})
	return s
}

// execSocket is a web socket as ssmchannel wants it.
type execSocket struct{ ws *websocket.Conn }

// Read returns the next message.
func (s execSocket) Read(ctx context.Context) ([]byte, error) {
	_, frame, err := s.ws.Read(ctx)
	return frame, err
}

// Write sends a message.
func (s execSocket) Write(ctx context.Context, frame []byte) error {
	return s.ws.Write(ctx, websocket.MessageBinary, frame)
}

// run lends our terminal, or our pipes, to the command until it ends.
func (s *execSession) run(ctx context.Context) error {
	defer s.ws.CloseNow()
	if s.terminal {
		old, err := term.MakeRaw(int(os.Stdin.Fd()))
		if err != nil {
			return fmt.Errorf("prepare the terminal: %w", err)
		}
		defer func() { _ = term.Restore(int(os.Stdin.Fd()), old) }() // the process ends
	}
	err := s.channel.Run(ctx, s.handle)
	closed, ok := errors.AsType[*ssmchannel.ClosedError](err)
	switch {
	case !ok:
		return fmt.Errorf("the session broke off: %w", err)
	case s.code == 0:
		return nil
	case s.code > 0:
		return exitError{fmt.Errorf("the command exited with code %d", s.code), s.code}
	case closed.Output != "":
		return errors.New(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(closed.Output), "----------ERROR-------")))
	}
	return errors.New("the session ended before the command did")
}

// handle takes one message of the agent.
func (s *execSession) handle(ctx context.Context, m ssmchannel.Message) error {
	switch m.Kind {
	case ssmchannel.KindHandshakeRequest:
		return s.answer(ctx, m)
	case ssmchannel.KindHandshakeComplete:
		if s.terminal {
			go s.followSize(ctx)
		}
		go s.keyboard(ctx)
	case ssmchannel.KindOutput:
		return show(os.Stdout, m)
	case ssmchannel.KindStderr:
		return show(os.Stderr, m)
	case ssmchannel.KindExitCode:
		code, err := strconv.Atoi(string(m.Payload))
		if err != nil {
			return fmt.Errorf("read the exit code: %w", err)
		}
		s.code = code
	}
	return nil
}

func show(w io.Writer, m ssmchannel.Message) error {
	if _, err := w.Write(m.Payload); err != nil {
		return fmt.Errorf("write the command's output: %w", err)
	}
	return nil
}

// answer tells the agent what we can do, and what we want.
func (s *execSession) answer(ctx context.Context, m ssmchannel.Message) error {
	var request ssmchannel.HandshakeRequest
	if err := json.Unmarshal(m.Payload, &request); err != nil {
		return fmt.Errorf("read the agent's handshake: %w", err)
	}
	response := ssmchannel.HandshakeResponse{ClientVersion: clientVersion}
	for _, action := range request.Actions {
		done := ssmchannel.ProcessedAction{Type: action.Type, Status: ssmchannel.ActionSuccess}
		if action.Type == ssmchannel.ActionSession {
			result, err := json.Marshal(ssmchannel.SessionResult{Terminal: s.terminal})
			if err != nil {
				return fmt.Errorf("answer the agent's handshake: %w", err)
			}
			done.Result = result
		} else {
			done.Status, done.Error = ssmchannel.ActionUnsupported, "Unsupported action "+action.Type
			response.Errors = append(response.Errors, done.Error)
		}
		response.Actions = append(response.Actions, done)
	}
	return s.channel.SendJSON(ctx, ssmchannel.KindHandshakeResponse, response)
}

// keyboard sends what is typed. It ends with the process: a read from a terminal
// cannot be broken off.
func (s *execSession) keyboard(ctx context.Context) {
	buf := make([]byte, ssmchannel.MaxPayload)
	for {
		n, err := os.Stdin.Read(buf)
		if n > 0 && s.channel.Send(ctx, ssmchannel.KindOutput, buf[:n]) != nil {
			return // Run says why
		}
		if err != nil {
			if !s.terminal {
				_ = s.channel.SendEnd(ctx, ssmchannel.KindOutput) // Run says why not
			}
			return
		}
	}
}

// followSize tells the size of our terminal, now and whenever it changes.
func (s *execSession) followSize(ctx context.Context) {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	defer signal.Stop(changes)
	for {
		if cols, rows, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			size := ssmchannel.Size{Cols: uint32(cols), Rows: uint32(rows)}
			if s.channel.SendJSON(ctx, ssmchannel.KindSize, size) != nil {
				return // Run says why
			}
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
	}
}
