package ssmmessages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/agent/execute"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsapi"
	"github.com/slipway/slipway/internal/service/ssmmessages"
	"github.com/slipway/slipway/internal/ssmchannel"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const (
	secret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	patient = 20 * time.Second
)

var (
	scope    = ecs.Scope{Account: "123456789012", Region: "eu-west-3"}
	instance = strings.Repeat("1", 32)
	taskID   = strings.Repeat("2", 32)
)

// keyring knows the keys of a user, of the instance i-1, of the instance i-2 and
// of another account.
type keyring struct{}

func (keyring) Key(_ context.Context, id, _ string) (wire.Credential, bool, error) {
	principal, ok := map[string]wire.Principal{
		"AKIAUSER":      {ARN: "arn:aws:iam::123456789012:root", Account: scope.Account},
		"AKIAINSTANCE":  {ARN: "arn:aws:sts::123456789012:assumed-role/ecsInstanceRole/i-1", Account: scope.Account},
		"AKIAINSTANCE2": {ARN: "arn:aws:sts::123456789012:assumed-role/ecsInstanceRole/i-2", Account: scope.Account},
		"AKIAOTHER":     {ARN: "arn:aws:iam::999999999999:root", Account: "999999999999"},
	}[id]
	return wire.Credential{AccessKeyID: id, SecretAccessKey: secret, Principal: principal}, ok, nil
}

// plane is a control plane with one task, and the instance that it runs on.
type plane struct {
	t       *testing.T
	st      *store.Store
	room    *ecs.Room
	gateway *ssmmessages.Server
	url     string
}

func newPlane(t *testing.T, cfg ssmmessages.Config) *plane {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	mux := wire.NewMux(wire.Config{Keys: keyring{}})
	cfg.Mux, cfg.Store = mux, st
	p := &plane{t: t, st: st, gateway: ssmmessages.New(cfg)}
	p.room = ecs.New(st, ecs.Config{Sessions: p.gateway})
	ecsapi.Register(mux, p.room)
	all := http.NewServeMux()
	all.Handle("/v1/", p.gateway.Handler())
	all.Handle("/", mux)
	server := httptest.NewServer(all)
	t.Cleanup(server.Close)
	t.Cleanup(p.gateway.Close)
	p.url = server.URL
	p.put(func(tx *store.Tx) {
		ecs.Clusters.Put(tx, &ecs.Cluster{Scope: scope, Name: "my_cluster", Status: ecs.StatusActive})
		ecs.Instances.Put(tx, &ecs.ContainerInstance{
			Scope: scope, Cluster: "my_cluster", ID: instance, EC2InstanceID: "i-1", Status: ecs.StatusActive, AgentConnected: true,
		})
		ecs.Tasks.Put(tx, task())
	})
	return p
}

// task runs two containers.
func task() *ecs.Task {
	t := &ecs.Task{
		Scope: scope, Cluster: "my_cluster", ID: taskID, Family: "web", Revision: 1, Instance: instance,
		DesiredStatus: ecs.TaskRunning, LastStatus: ecs.TaskRunning, EnableExecuteCommand: true,
	}
	for _, name := range []string{"app", "side"} {
		t.Containers = append(t.Containers, ecs.Container{
			ID: "id-" + name, Name: name, RuntimeID: "runtime-" + name, LastStatus: ecs.ContainerRunning,
			ManagedAgents: []ecs.ManagedAgent{{Name: "ExecuteCommandAgent", LastStatus: ecs.ContainerRunning}},
		})
	}
	return t
}

func (p *plane) put(fn func(tx *store.Tx)) {
	p.t.Helper()
	if err := p.st.Update(p.t.Context(), func(tx *store.Tx) error { fn(tx); return nil }); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) change(fn func(t *ecs.Task)) {
	p.t.Helper()
	p.put(func(tx *store.Tx) {
		t := task()
		fn(t)
		ecs.Tasks.Put(tx, t)
	})
}

// agent runs an agent for the plane's instance whose containers are this
// machine.
func (p *plane) agent(key string) (connected <-chan bool, stop func()) {
	p.t.Helper()
	_, connected, stop = p.agentOf(key, func() []execute.Container {
		return []execute.Container{{RuntimeID: "runtime-app", ID: "app"}, {RuntimeID: "runtime-side", ID: "side"}}
	})
	return connected, stop
}

func (p *plane) agentOf(key string, containers func() []execute.Container) (a *execute.Agent, connected <-chan bool, stop func()) {
	p.t.Helper()
	states := make(chan bool, 100)
	a = execute.New(execute.Config{
		Backend: p.url, Region: scope.Region, ContainerInstanceARN: scope.ARN("container-instance/my_cluster/" + instance),
		Credentials: func() sigv4.Credentials { return sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret} },
		Log:         slog.New(slog.DiscardHandler),
		Start:       startHere,
		Containers:  containers,
		Connected:   func(open bool) { states <- open },
	})
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	p.t.Cleanup(stop)
	return a, states, stop
}

// connected runs an agent and waits for its control channel.
func (p *plane) connected() (stop func()) {
	p.t.Helper()
	states, stop := p.agent("AKIAINSTANCE")
	select {
	case <-states:
	case <-time.After(patient):
		p.t.Fatal("no control channel")
	}
	return stop
}

// here is a process on this machine.
type here struct {
	cmd  *exec.Cmd
	pty  *os.File // nil without a terminal
	done chan struct{}
}

func startHere(_ context.Context, container string, c execute.Command) (execute.Process, error) {
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env = append(append(os.Environ(), "CONTAINER="+container), c.Env...)
	h := &here{cmd: cmd, done: make(chan struct{})}
	var copied sync.WaitGroup
	if c.TTY {
		tty, err := h.openTerminal()
		if err != nil {
			return nil, err
		}
		defer tty.Close()
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	} else {
		cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	stdin, err := h.input()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		io.Copy(stdin, c.Stdin)
		if !c.TTY {
			stdin.Close()
		}
	}()
	if c.TTY {
		copied.Go(func() { io.Copy(c.Stdout, h.pty) })
	}
	go func() {
		defer close(h.done)
		cmd.Wait()
		copied.Wait()
		if h.pty != nil {
			h.pty.Close()
		}
	}()
	return h, nil
}

func (h *here) input() (io.WriteCloser, error) {
	if h.pty != nil {
		return h.pty, nil
	}
	return h.cmd.StdinPipe()
}

func (h *here) openTerminal() (*os.File, error) {
	var err error
	if h.pty, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, err
	}
	fd := int(h.pty.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		return nil, err
	}
	return os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
}

func (h *here) Wait(ctx context.Context) (int, error) {
	select {
	case <-h.done:
		return h.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (h *here) Resize(_ context.Context, rows, cols uint16) error {
	return unix.IoctlSetWinsize(int(h.pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
}

func (h *here) Kill(context.Context) error {
	return syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
}

// call calls ExecuteCommand.
func (p *plane) call(key string, in map[string]any) (status int, answer map[string]any) {
	p.t.Helper()
	body, _ := json.Marshal(in)
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ExecuteCommand")
	sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret}, scope.Region, "ecs", time.Now())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// execute opens a session and gives its URL and token.
func (p *plane) execute(container, command string) (url, token string) {
	p.t.Helper()
	status, answer := p.call("AKIAUSER", map[string]any{
		"cluster": "my_cluster", "task": taskID, "container": container, "command": command, "interactive": true,
	})
	if status != http.StatusOK {
		p.t.Fatalf("%d %v", status, answer)
	}
	session := answer["session"].(map[string]any)
	return session["streamUrl"].(string), session["tokenValue"].(string)
}

// dial connects to a session with a token.
func (p *plane) dial(url, token string, sign func(*http.Request)) (*websocket.Conn, error) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, strings.Replace(url, "ws", "http", 1), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if sign != nil {
		sign(r)
	}
	ws, _, err := websocket.Dial(p.t.Context(), url, &websocket.DialOptions{HTTPHeader: r.Header})
	if err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { ws.CloseNow() })
	ws.SetReadLimit(1 << 20)
	hello, _ := json.Marshal(ssmchannel.OpenRequest{
		MessageSchemaVersion: "1.0", RequestID: "r", TokenValue: token, ClientID: "c", ClientVersion: "1.2.707.0",
	})
	return ws, ws.Write(p.t.Context(), websocket.MessageText, hello)
}

// user is the client's end of a session.
type user struct {
	t       *testing.T
	ws      *websocket.Conn
	channel *ssmchannel.Channel
	result  string // JSON of the session's result in the handshake
	begun   chan struct{}
	done    chan struct{}
	err     error

	mu             sync.Mutex
	output, errors bytes.Buffer
	code           string
	changed        chan struct{}
}

type wsSocket struct{ *websocket.Conn }

func (s wsSocket) Read(ctx context.Context) ([]byte, error) {
	_, frame, err := s.Conn.Read(ctx)
	return frame, err
}

func (s wsSocket) Write(ctx context.Context, frame []byte) error {
	return s.Conn.Write(ctx, websocket.MessageBinary, frame)
}

// join takes part in a session as the plugin does, or with a result as `slipway
// exec` does.
func (p *plane) join(url, token, result string) *user {
	p.t.Helper()
	ws, err := p.dial(url, token, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	u := &user{t: p.t, ws: ws, channel: ssmchannel.NewClient(wsSocket{ws}), result: result,
		begun: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(u.done)
		u.err = u.channel.Run(p.t.Context(), u.handle)
	}()
	p.t.Cleanup(func() { ws.CloseNow(); <-u.done })
	return u
}

func (u *user) handle(ctx context.Context, m ssmchannel.Message) error {
	u.mu.Lock()
	defer func() {
		close(u.changed)
		u.changed = make(chan struct{})
		u.mu.Unlock()
	}()
	switch m.Kind {
	case ssmchannel.KindHandshakeRequest:
		done := ssmchannel.ProcessedAction{Type: ssmchannel.ActionSession, Status: ssmchannel.ActionSuccess}
		if u.result != "" {
			done.Result = json.RawMessage(u.result)
		}
		return u.channel.SendJSON(ctx, ssmchannel.KindHandshakeResponse, ssmchannel.HandshakeResponse{
			ClientVersion: "1.2.707.0", Actions: []ssmchannel.ProcessedAction{done},
		})
	case ssmchannel.KindHandshakeComplete:
		close(u.begun)
	case ssmchannel.KindOutput:
		u.output.Write(m.Payload)
	case ssmchannel.KindStderr:
		u.errors.Write(m.Payload)
	case ssmchannel.KindExitCode:
		u.code = string(m.Payload)
	}
	return nil
}

// keys types, as soon as the agent listens.
func (u *user) keys(text string) {
	u.t.Helper()
	select {
	case <-u.begun:
	case <-u.done:
		u.t.Fatalf("session ended: %v", u.err)
	case <-time.After(patient):
		u.t.Fatal("session does not begin")
	}
	if err := u.channel.Send(u.t.Context(), ssmchannel.KindOutput, []byte(text)); err != nil {
		u.t.Fatal(err)
	}
}

// sees waits for a text in the output.
func (u *user) sees(text string) {
	u.t.Helper()
	deadline := time.After(patient)
	for {
		u.mu.Lock()
		found, changed, all := strings.Contains(u.output.String(), text), u.changed, u.output.String()
		u.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-u.done:
			u.t.Fatalf("session ended (%v) without %q: %q", u.err, text, all)
		case <-deadline:
			u.t.Fatalf("no %q in %q", text, all)
		}
	}
}

// ends waits for the end and gives what the plugin would show.
func (u *user) ends() string {
	u.t.Helper()
	select {
	case <-u.done:
	case <-time.After(patient):
		u.t.Fatal("session does not end")
	}
	closed, ok := errors.AsType[*ssmchannel.ClosedError](u.err)
	if !ok {
		u.t.Fatalf("session ended with %v", u.err)
	}
	return closed.Output
}
