//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/ssmchannel"
)

// executable runs a task that commands may be run in, and waits until they can.
func (s *site) executable(t *testing.T, family string, containers ...types.ContainerDefinition) types.Task {
	t.Helper()
	arn := s.run(t, s.register(t, family, containers...), func(in *ecs.RunTaskInput) { in.EnableExecuteCommand = true })
	return eventually(t, "the agents for commands", func() (taskView, bool) {
		task := s.describe(t, arn)
		for _, c := range task.Containers {
			if len(c.ManagedAgents) != 1 || aws.ToString(c.ManagedAgents[0].LastStatus) != "RUNNING" {
				return taskView{task}, false
			}
		}
		return taskView{task}, aws.ToString(task.LastStatus) == "RUNNING"
	}).Task
}

// exec is `slipway exec` with arguments.
func (s *site) exec(ctx context.Context, arn string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, *binary, append([]string{"exec", "--data-dir", s.slipway.DataDir, arn}, args...)...)
}

func TestExecThroughPipes(t *testing.T) {
	t.Parallel()
	s := shared
	task := s.executable(t, "exec-pipes", s.probe(t, "app", "ticks", "1000"), s.probe(t, "side", "ticks", "1000"))
	run := func(input string, args ...string) (code int, stdout, stderr string) {
		cmd := s.exec(t.Context(), *task.TaskArn, args...)
		var out, failed bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &failed
		if _, ok := errors.AsType[*exec.ExitError](cmd.Run()); !ok && cmd.ProcessState == nil {
			t.Fatal("slipway exec did not run")
		}
		return cmd.ProcessState.ExitCode(), out.String(), failed.String()
	}
	big := strings.Repeat("0123456789abcdef\n", 20_000)
	if code, out, failed := run(big, "-c", "app", "--", "/web", "echo"); code != 0 || out != big {
		t.Errorf("echo of %d bytes: %d, %d bytes, %q", len(big), code, len(out), failed)
	}
	if code, out, failed := run("", "-c", "side", "--", "/web", "say", "two words", `"quoted" $HOME`, ""); code != 0 || out != "two words\n\"quoted\" $HOME\n\n" {
		t.Errorf("say: %d %q %q", code, out, failed)
	}
	if code, out, failed := run("", "-c", "app", "--", "/web", "exit", "7"); code != 7 || out != "" {
		t.Errorf("exit 7: %d %q %q", code, out, failed)
	}
	if code, out, failed := run("", "-c", "app", "--", "/web", "nonsense"); code != 2 || out != "" || !strings.Contains(failed, "probe: unknown command nonsense") {
		t.Errorf("standard error: %d %q %q", code, out, failed)
	}
	if code, _, failed := run("", "-c", "app", "--", "/nobody"); code == 0 || !strings.Contains(failed, "/nobody") {
		t.Errorf("a command that is not there: %d %q", code, failed)
	}
	if code, _, failed := run("", "--", "/web", "say"); code == 0 || !strings.Contains(failed, "The container name is required") {
		t.Errorf("no container: %d %q", code, failed)
	}
}

func TestExecAtATerminal(t *testing.T) {
	t.Parallel()
	s := shared
	task := s.executable(t, "exec-terminal", s.probe(t, "app", "ticks", "1000"))
	p := atTerminal(t, s.exec(t.Context(), *task.TaskArn, "--", "/web", "terminal"))
	p.shows(t, "terminal of 100x30")
	p.resize(t, 81, 25)
	p.shows(t, "terminal of 81x25")
	p.types(t, "\x03") // Ctrl-C is the command's
	if code := p.code(t); code != 130 {
		t.Errorf("the command was interrupted, and slipway exec exits with %d\n%s", code, p.text())
	}
}

// The session of the SDK's answer, spoken as the session-manager-plugin speaks.
func TestExecuteCommandBySDK(t *testing.T) {
	t.Parallel()
	s := shared
	task := s.executable(t, "exec-sdk", s.probe(t, "app", "ticks", "1000"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := s.aws.ECS.ExecuteCommand(ctx, &ecs.ExecuteCommandInput{
		Task: task.TaskArn, Command: aws.String("/web say 'hello there'"), Interactive: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.TaskArn) != *task.TaskArn || aws.ToString(out.ContainerName) != "app" || !out.Interactive || !strings.HasPrefix(*out.Session.SessionId, "ecs-execute-command-") {
		t.Errorf("ExecuteCommand: %+v", out)
	}
	ws, _, err := websocket.Dial(ctx, *out.Session.StreamUrl, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	hello, err := json.Marshal(ssmchannel.OpenRequest{
		MessageSchemaVersion: ssmchannel.SchemaVersion, RequestID: "r", TokenValue: *out.Session.TokenValue, ClientID: "c", ClientVersion: "1.2.0.0",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.Write(ctx, websocket.MessageText, hello); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	channel := ssmchannel.NewClient(frames{ws})
	err = channel.Run(ctx, func(ctx context.Context, m ssmchannel.Message) error {
		switch m.Kind {
		case ssmchannel.KindHandshakeRequest:
			return channel.SendJSON(ctx, ssmchannel.KindHandshakeResponse, ssmchannel.HandshakeResponse{
				ClientVersion: "1.2.0.0", Actions: []ssmchannel.ProcessedAction{{Type: ssmchannel.ActionSession, Status: ssmchannel.ActionSuccess}},
			})
		case ssmchannel.KindOutput:
			said.Write(m.Payload)
		}
		return nil
	})
	if _, ok := errors.AsType[*ssmchannel.ClosedError](err); !ok || strings.TrimSpace(said.String()) != "hello there" {
		t.Errorf("the session said %q and ended with %v", said.String(), err)
	}
}

// frames is a web socket as ssmchannel wants it.
type frames struct{ ws *websocket.Conn }

func (f frames) Read(ctx context.Context) ([]byte, error) {
	_, b, err := f.ws.Read(ctx)
	return b, err
}

func (f frames) Write(ctx context.Context, frame []byte) error {
	return f.ws.Write(ctx, websocket.MessageBinary, frame)
}

func TestExecOfATaskThatIsNotEnabled(t *testing.T) {
	t.Parallel()
	s := shared
	arn := s.run(t, s.register(t, "exec-off", s.probe(t, "app", "ticks", "1000")))
	s.await(t, arn, "RUNNING")
	_, err := s.aws.ECS.ExecuteCommand(t.Context(), &ecs.ExecuteCommandInput{Task: &arn, Command: aws.String("/web say x"), Interactive: true})
	if e, ok := errors.AsType[*types.InvalidParameterException](err); !ok || !strings.HasPrefix(e.ErrorMessage(), "The execute command failed because execute command was not enabled") {
		t.Errorf("ExecuteCommand: %v", err)
	}
}

func TestExecWhileTheAgentDies(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	task := s.executable(t, "exec-dies", s.probe(t, "app", "ticks", "1000"))
	before := s.process(t, task)
	p := atTerminal(t, s.exec(t.Context(), *task.TaskArn, "--", "/web", "ticks", "77"))
	p.shows(t, "tick 000003")
	s.killAgent(t)
	if code := p.code(t); code == 0 {
		t.Errorf("the session was cut off, and slipway exec exits with 0\n%s", p.text())
	}
	// The container goes on, and can be entered again.
	s.assertSame(t, *task.TaskArn, before)
	eventually(t, "another session", func() (string, bool) {
		cmd := s.exec(t.Context(), *task.TaskArn, "--", "/web", "say", "back")
		out, err := cmd.Output()
		return string(out), err == nil && string(out) == "back\n"
	})
	// Nobody is left who would read what the first command writes.
	eventually(t, "the end of the first command", func() ([]string, bool) {
		left := commandLines(t, "/web\x00ticks\x0077\x00")
		return left, len(left) == 0
	})
}

// commandLines are the /proc files of the processes with that command line.
func commandLines(t *testing.T, line string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(file string) bool {
		b, err := os.ReadFile(file)
		return err != nil || string(b) != line
	})
}

func TestExecuteCommandOfTheAWSCLI(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"aws", "session-manager-plugin"} {
		if out, err := exec.CommandContext(t.Context(), name, "--version").CombinedOutput(); err != nil {
			t.Skipf("this test needs %s: %v %s", name, err, out)
		}
	}
	s := shared
	task := s.executable(t, "exec-cli", s.probe(t, "app", "ticks", "1000"))
	script := `eval "$("$0" env --data-dir "$1")" && aws ecs execute-command --task "$2" --interactive --command "/web terminal"`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, *binary, s.slipway.DataDir, *task.TaskArn)
	cmd.Env = append(os.Environ(), "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	p := atTerminal(t, cmd)
	p.shows(t, "Starting session with SessionId: ecs-execute-command-")
	p.shows(t, "terminal of 100x30")
	p.resize(t, 81, 25)
	p.shows(t, "terminal of 81x25")
	p.types(t, "\x03")
	p.shows(t, "Exiting session with sessionId: ecs-execute-command-")
	p.code(t)
}
