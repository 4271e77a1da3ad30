package ssmmessages_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/agent/execute"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ssmmessages"
	"github.com/slipway/slipway/internal/ssmchannel"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// plain is the result of a client without a terminal.
const plain = `{"Terminal":false}`

// session opens a session and takes part in it.
func (p *plane) session(container, command, result string) *user {
	p.t.Helper()
	url, token := p.execute(container, command)
	return p.join(url, token, result)
}

func TestShellAtATerminal(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	u := p.session("side", "/bin/sh", "")
	u.keys("echo in $CONTAINER as $TERM; tty | cut -c1-8\n")
	u.sees("in side as xterm-256color")
	u.sees("/dev/pts")
	if err := u.channel.SendJSON(t.Context(), ssmchannel.KindSize, ssmchannel.Size{Cols: 123, Rows: 45}); err != nil {
		t.Fatal(err)
	}
	u.keys("stty size\n")
	u.sees("45 123")
	u.keys("PS1=pro''mpt; echo asleep $((1+1)); sleep 1000\n")
	u.sees("asleep 2")
	u.keys("\x03") // Ctrl-C, which also drops what was typed ahead
	u.sees("prompt")
	u.keys("echo alive $((20+3))\n")
	u.sees("alive 23")
	u.keys("exit 3\n")
	if text := u.ends(); text != "" || u.code != "" {
		t.Errorf("ended with %q and code %q, which the plugin does not ask for", text, u.code)
	}
}

func TestPipes(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	u := p.session("app", ssmchannel.Join([]string{"sh", "-c", `test -t 0 || echo "no terminal"; wc -c; echo oops >&2; exit 42`}), plain)
	<-u.begun
	u.keys(strings.Repeat("x", 100_000))
	if err := u.channel.SendEnd(t.Context(), ssmchannel.KindOutput); err != nil {
		t.Fatal(err)
	}
	if text := u.ends(); text != "" {
		t.Errorf("ended with %q", text)
	}
	if u.output.String() != "no terminal\n100000\n" || u.errors.String() != "oops\n" || u.code != "42" {
		t.Errorf("output %q, errors %q, code %q", u.output.String(), u.errors.String(), u.code)
	}
}

func TestTenMegabytesArriveWhole(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	u := p.session("app", "seq -w 0 1310719", plain) // eight bytes a line
	u.ends()
	var want bytes.Buffer
	for i := range 1310720 {
		fmt.Fprintf(&want, "%07d\n", i)
	}
	if !bytes.Equal(u.output.Bytes(), want.Bytes()) || u.code != "0" {
		t.Errorf("%d bytes of %d, code %q", u.output.Len(), want.Len(), u.code)
	}
}

func TestTwoSessionsInOneContainer(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	one, two := p.session("app", "sh", ""), p.session("app", "sh", "")
	one.keys("X=first; echo here\n")
	two.keys("X=second; echo here\n")
	one.keys("echo $X $((1+1))\n")
	two.keys("echo $X $((1+1))\n")
	one.sees("first 2")
	two.sees("second 2")
	one.keys("exit\n")
	one.ends()
	two.keys("echo still $((1+2))\n")
	two.sees("still 3")
}

func TestCommandThatCannotRun(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	for command, want := range map[string]string{
		"/no/such/thing": "\n----------ERROR-------\nUnable to start command: Failed to start pty: fork/exec /no/such/thing: no such file or directory",
		`sh -c 'open`:    "\n----------ERROR-------\nUnable to start command: Failed to parse commands input: EOF found when expecting closing quote",
	} {
		if text := p.session("app", command, "").ends(); text != want {
			t.Errorf("%s: ended with %q", command, text)
		}
	}
}

// pid reads the number of the shell that u is in.
func pid(u *user) int {
	u.t.Helper()
	u.keys("echo pid=$((0+$$))=\n")
	u.sees("pid=")
	deadline := time.After(patient)
	for {
		u.mu.Lock()
		all, changed := u.output.String(), u.changed
		u.mu.Unlock()
		for _, part := range strings.Split(all, "pid=") {
			if n, err := strconv.Atoi(strings.Split(part, "=")[0]); err == nil {
				return n
			}
		}
		select {
		case <-changed:
		case <-deadline:
			u.t.Fatalf("no pid in %q", all)
		}
	}
}

// dies waits for the end of a process.
func dies(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patient.Milliseconds()))
	if err != nil || n != 1 {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}

func TestTheCommandDies(t *testing.T) {
	for name, end := range map[string]func(p *plane, u *user, stopAgent func()){
		"with its user":  func(_ *plane, u *user, _ func()) { u.ws.CloseNow() },
		"with the agent": func(_ *plane, _ *user, stop func()) { stop() },
		"when the server ends": func(p *plane, u *user, _ func()) {
			p.gateway.Close()
			if text := u.ends(); text != "The server is shutting down." {
				p.t.Errorf("ended with %q", text)
			}
		},
		"when its user asks": func(_ *plane, u *user, _ func()) {
			if err := u.channel.Send(u.t.Context(), ssmchannel.KindFlag, []byte{0, 0, 0, byte(ssmchannel.FlagTerminate)}); err != nil {
				u.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, ssmmessages.Config{})
			stop := p.connected()
			u := p.session("app", "sh", "")
			id := pid(u)
			end(p, u, stop)
			dies(t, id)
		})
	}
}

func TestLostAgentEndsTheSession(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	stop := p.connected()
	u := p.session("app", "sh", "")
	u.keys("echo here $((1+1))\n")
	u.sees("here 2")
	stop()
	if text := u.ends(); text != "The connection to the agent of the container instance was lost." {
		t.Errorf("ended with %q", text)
	}
}

func TestIdleSessionEnds(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{Idle: 300 * time.Millisecond})
	p.connected()
	if text := p.session("app", "cat", "").ends(); !strings.HasPrefix(text, "The session timed out") {
		t.Errorf("ended with %q", text)
	}
}

func TestSessionWithoutClientIsForgotten(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{Opening: time.Millisecond})
	p.connected()
	url, token := p.execute("app", "sh")
	deadline := time.Now().Add(patient)
	for {
		ws, err := p.dial(url, token, nil)
		if err != nil {
			if !strings.Contains(err.Error(), "404") {
				t.Error(err)
			}
			return
		}
		ws.CloseNow()
		if time.Now().After(deadline) {
			t.Fatal("it is remembered")
		}
	}
}

func as(key string) func(*http.Request) {
	return func(r *http.Request) {
		sigv4.Sign(r, nil, sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret}, scope.Region, "ssmmessages", time.Now())
	}
}

// refused tells whether the server ended a socket before the session began.
func refused(t *testing.T, ws *websocket.Conn) bool {
	t.Helper()
	_, frame, err := ws.Read(t.Context())
	return err != nil && len(frame) == 0 && websocket.CloseStatus(err) == websocket.StatusPolicyViolation
}

func TestTokens(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	url, token := p.execute("app", "sh")
	_, others := p.execute("app", "sh")
	for name, forged := range map[string]string{"empty": "", "forged": strings.Repeat("A", len(token)), "of another session": others, "cut": token[:len(token)-1]} {
		ws, err := p.dial(url, forged, nil)
		if err != nil || !refused(t, ws) {
			t.Errorf("token %s is taken: %v", name, err)
		}
	}
	if _, err := p.dial(url, token, as("AKIAOTHER")); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("another account is let in: %v", err)
	}
	if _, err := p.dial(url, token, as("AKIANOBODY")); err == nil {
		t.Error("an unknown key is let in")
	}
	if _, err := p.dial(strings.Replace(url, "ecs-execute-command-", "ecs-execute-command-x", 1), token, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("an unknown session: %v", err)
	}
	ws, err := p.dial(url, token, as("AKIAUSER"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.Read(t.Context()); err != nil {
		t.Errorf("the session does not begin: %v", err)
	}
	again, err := p.dial(url, token, nil)
	if err != nil || !refused(t, again) {
		t.Errorf("the token is good for a second socket: %v", err)
	}
}

// The agent of another instance may not take the place of this one's.
func TestForeignAgents(t *testing.T) {
	for _, key := range []string{"AKIAINSTANCE2", "AKIAOTHER"} {
		t.Run(key, func(t *testing.T) {
			p := newPlane(t, ssmmessages.Config{Reconnect: time.Second})
			p.agent(key)
			status, answer := p.call("AKIAUSER", map[string]any{"cluster": "my_cluster", "task": taskID, "container": "app", "command": "sh", "interactive": true})
			if status != 400 || answer["__type"] != "TargetNotConnectedException" {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	url, _ := p.execute("app", "sh")
	for _, key := range []string{"AKIAINSTANCE2", "AKIAOTHER"} {
		body := []byte(`{"MessageSchemaVersion":"1.0","RequestId":"r","ClientId":"c"}`)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.Replace(url, "ws", "http", 1), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = ""
		sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret}, scope.Region, "ssmmessages", time.Now())
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusCreated {
			t.Errorf("%s got a token for the agent's end", key)
		}
	}
}

func TestExecuteCommandRefuses(t *testing.T) {
	const off = "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again."
	in := func(change map[string]any) map[string]any {
		all := map[string]any{"cluster": "my_cluster", "task": taskID, "container": "app", "command": "sh", "interactive": true}
		for k, v := range change {
			if all[k] = v; v == nil {
				delete(all, k)
			}
		}
		return all
	}
	for name, tc := range map[string]struct {
		in         map[string]any
		task       func(*ecs.Task)
		key        string
		code, text string
	}{
		"no cluster":       {in: in(map[string]any{"cluster": "nope"}), code: "ClusterNotFoundException", text: "Cluster not found."},
		"another account":  {in: in(nil), key: "AKIAOTHER", code: "ClusterNotFoundException", text: "Cluster not found."},
		"not interactive":  {in: in(map[string]any{"interactive": false}), code: "InvalidParameterException", text: "Interactive is the only mode supported currently."},
		"no id":            {in: in(map[string]any{"task": "x"}), code: "InvalidParameterException", text: "taskId length should be one of [32,36]"},
		"no task":          {in: in(map[string]any{"task": strings.Repeat("9", 32)}), code: "InvalidParameterException", text: "The referenced task was not found."},
		"two containers":   {in: in(map[string]any{"container": nil}), code: "InvalidParameterException", text: "The container name is required when the task has more than one container."},
		"no container":     {in: in(map[string]any{"container": "x"}), code: "InvalidParameterException", text: "The task has no container named x."},
		"not enabled":      {in: in(nil), task: func(t *ecs.Task) { t.EnableExecuteCommand = false }, code: "InvalidParameterException", text: off},
		"not running":      {in: in(nil), task: func(t *ecs.Task) { t.LastStatus = ecs.TaskStopping }, code: "InvalidParameterException", text: off},
		"no managed agent": {in: in(nil), task: func(t *ecs.Task) { t.Containers[0].ManagedAgents[0].LastStatus = "PENDING" }, code: "InvalidParameterException", text: off},
		"container ended":  {in: in(nil), task: func(t *ecs.Task) { t.Containers[0].LastStatus = ecs.ContainerStopped }, code: "InvalidParameterException", text: off},
		"no agent":         {in: in(nil), code: "TargetNotConnectedException", text: "The execute command failed due to an internal error. Try again later. (This server"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, ssmmessages.Config{Reconnect: -1})
			if tc.task != nil {
				p.change(tc.task)
			}
			key := tc.key
			if key == "" {
				key = "AKIAUSER"
			}
			status, answer := p.call(key, tc.in)
			text, _ := answer["message"].(string)
			if status != 400 || answer["__type"] != tc.code || !strings.HasPrefix(text, tc.text) {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
}

func TestExecuteCommandAnswer(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	p.connected()
	status, answer := p.call("AKIAUSER", map[string]any{"cluster": "my_cluster", "task": taskID, "container": "app", "command": "sh", "interactive": true})
	session, _ := answer["session"].(map[string]any)
	id, _ := session["sessionId"].(string)
	if status != 200 || answer["clusterArn"] != scope.ARN("cluster/my_cluster") || answer["taskArn"] != scope.ARN("task/my_cluster/"+taskID) ||
		answer["containerArn"] != scope.ARN("container/my_cluster/"+taskID+"/id-app") || answer["containerName"] != "app" || answer["interactive"] != true ||
		!strings.HasPrefix(id, "ecs-execute-command-") ||
		session["streamUrl"] != strings.Replace(p.url, "http", "ws", 1)+"/v1/data-channel/"+id+"?role=publish_subscribe" {
		t.Errorf("%d %v", status, answer)
	}
}

// With a container that may be entered the channel is open; without, it is not.
// A session goes on all the same.
func TestControlChannelIsOpenWhileItIsNeeded(t *testing.T) {
	p := newPlane(t, ssmmessages.Config{})
	var mu sync.Mutex
	var containers []execute.Container
	a, states, _ := p.agentOf("AKIAINSTANCE", func() []execute.Container {
		mu.Lock()
		defer mu.Unlock()
		return containers
	})
	set := func(all ...execute.Container) {
		mu.Lock()
		containers = all
		mu.Unlock()
		a.Changed()
	}
	wait := func(want bool) {
		t.Helper()
		select {
		case got := <-states:
			if got != want {
				t.Fatalf("channel is open: %v", got)
			}
		case <-time.After(patient):
			t.Fatalf("channel does not become open: %v", want)
		}
	}
	set(execute.Container{RuntimeID: "runtime-app", ID: "app"})
	wait(true)
	u := p.session("app", "sh", "")
	u.keys("echo before $((1+1))\n")
	u.sees("before 2")
	set()
	wait(false)
	u.keys("echo after $((1+1))\n")
	u.sees("after 2")
	set(execute.Container{RuntimeID: "runtime-side", ID: "side"})
	wait(true)
	if text := p.session("app", "sh", "").ends(); !strings.HasSuffix(text, "the container does not run any more") {
		t.Errorf("ended with %q", text)
	}
}
