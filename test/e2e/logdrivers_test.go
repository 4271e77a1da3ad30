//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/tinylib/msgp/msgp"
)

// gateway is this machine's address in the VPC, where instances reach it.
func (s *site) gateway(t *testing.T) netip.Addr {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.slipway.DataDir, "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var id struct{ VPC netip.Prefix }
	if err := json.Unmarshal(b, &id); err != nil || !id.VPC.IsValid() {
		t.Fatalf("identity.json: %s, %v", b, err)
	}
	return id.VPC.Masked().Addr().Next()
}

// heard is what a log destination of the test's has received.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) add(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

// listen accepts connections at the gateway until the test ends; each is given to
// serve, which returns when the connection closes.
func (s *site) listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(s.gateway(t).String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		work.Wait()
	})
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context := t.Context()
			work.Go(func() {
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					select {
					case <-context.Done():
					case <-stop:
					}
					conn.Close()
				}()
				serve(conn)
			})
		}
	})
	return l.Addr().String()
}

func (h *heard) has(parts ...string) func() ([]string, bool) {
	return func() ([]string, bool) {
		lines := h.all()
		for _, p := range parts {
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, p) }) {
				return lines, false
			}
		}
		return lines, true
	}
}

func TestSyslogDriver(t *testing.T) {
	t.Parallel()
	s := shared
	var got heard
	at := s.listen(t, func(conn net.Conn) {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			got.add(lines.Text())
		}
	})
	c := logTo(s.probe(t, "app", "say", "one", "two"), types.LogDriverSyslog, "syslog-address", "tcp://"+at, "syslog-format", "rfc3164", "tag", "{{.Name}}")
	task := s.await(t, s.run(t, s.register(t, "syslog", c)), "STOPPED")
	assertExit(t, task, "app", 0)
	lines := eventually(t, "two lines", got.has(": one", ": two"))
	if !strings.Contains(lines[0], "ecs-syslog-") || !strings.HasPrefix(lines[0], "<30>") {
		t.Errorf("syslog hears %q", lines)
	}
}

func TestGELFDriver(t *testing.T) {
	t.Parallel()
	s := shared
	conn, err := net.ListenPacket("udp", net.JoinHostPort(s.gateway(t).String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	var got heard
	var work sync.WaitGroup
	t.Cleanup(func() {
		conn.Close()
		work.Wait()
	})
	work.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			r, err := gzip.NewReader(bytes.NewReader(buf[:n]))
			if err != nil {
				continue
			}
			if text, err := io.ReadAll(r); err == nil {
				got.add(string(text))
			}
		}
	})
	c := logTo(s.probe(t, "app", "say", "one", "two"), types.LogDriverGelf, "gelf-address", "udp://"+conn.LocalAddr().String(), "tag", "mine")
	s.await(t, s.run(t, s.register(t, "gelf", c)), "STOPPED")
	eventually(t, "two messages", got.has(`"short_message":"one"`, `"short_message":"two"`, `"_tag":"mine"`))
}

func TestFluentdDriver(t *testing.T) {
	t.Parallel()
	s := shared
	var got heard
	at := s.listen(t, func(conn net.Conn) {
		for in := msgp.NewReader(conn); ; {
			var m msgp.Raw
			if m.DecodeMsg(in) != nil {
				return
			}
			line, _ := m.MarshalJSON() // empty if it is no message
			got.add(string(line))
		}
	})
	c := logTo(s.probe(t, "app", "say", "one", "two"), types.LogDriverFluentd, "fluentd-address", at, "tag", "mine")
	s.await(t, s.run(t, s.register(t, "fluentd", c)), "STOPPED")
	eventually(t, "two messages", got.has(`"log":"one"`, `"log":"two"`, `["mine",`))
}

// A destination that is not there fails the task as Docker does.
func TestLogDestinationThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := shared
	c := logTo(s.probe(t, "app", "ticks", "100"), types.LogDriverFluentd, "fluentd-address", net.JoinHostPort(s.gateway(t).String(), "9"))
	task := s.await(t, s.run(t, s.register(t, "nofluentd", c)), "STOPPED")
	assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: dial tcp ")
}

func TestLocalLogs(t *testing.T) {
	t.Parallel()
	s := shared
	kept := logTo(s.probe(t, "kept", "lines", "2000"), types.LogDriverJsonFile, "max-size", "1m", "max-file", "2")
	task := s.await(t, s.run(t, s.register(t, "local", kept)), "STOPPED")
	if got := strings.Split(strings.TrimSuffix(s.output(t, task, "kept"), "\n"), "\n"); !slices.Equal(got, numbered("line", 2000)) {
		t.Errorf("json-file keeps %d lines", len(got))
	}
	// Docker knows this driver, the API of ECS does not.
	_, err := s.aws.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("none"), ContainerDefinitions: []types.ContainerDefinition{logTo(s.probe(t, "none"), types.LogDriver("none"))},
	})
	if err == nil || !strings.Contains(err.Error(), "Value 'none' at 'containerDefinitions.1.member.logConfiguration.logDriver'") {
		t.Errorf("the driver none: %v", err)
	}
}

func TestFireLens(t *testing.T) {
	t.Parallel()
	s := shared
	s.parameter(t, "e2e-firelens", "SecureString", "of the secret")
	router := toGroup(s.probe(t, "router", "router"), "/e2e/firelens")
	router.FirelensConfiguration = &types.FirelensConfiguration{Type: types.FirelensConfigurationTypeFluentbit, Options: map[string]string{
		"config-file-type": "s3", "config-file-value": "arn:aws:s3:::firelens/extra.conf",
	}}
	s.object(t, "firelens/extra.conf", "# of the bucket\n")
	app := logTo(s.probe(t, "app", "say", "to the router", "ERROR also"), types.LogDriverAwsfirelens, "Name", "stdout", "include-pattern", "ERROR")
	app.LogConfiguration.SecretOptions = []types.Secret{{Name: aws.String("api_key"), ValueFrom: aws.String("e2e-firelens")}}
	app.Essential = aws.Bool(false)
	definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("firelens"), ContainerDefinitions: []types.ContainerDefinition{router, app},
		ExecutionRoleArn: aws.String(s.role(t, "e2e-firelens", append([]string{"ssm:GetParameters", "s3:GetObject", "logs:*"}, pulling...)...)),
	})
	task := s.await(t, s.run(t, definition), "RUNNING")
	tag := "app-firelens-" + lastPart(*task.TaskArn)
	var heard []string
	eventually(t, "two records in the router", func() ([]string, bool) {
		heard = nil
		for _, line := range s.events(t, "/e2e/firelens", stream("router", *task.TaskArn)) {
			if strings.HasPrefix(line, `["`+tag+`",`) {
				heard = append(heard, line)
			}
		}
		return heard, len(heard) >= 2
	})
	for i, want := range []string{`"log":"to the router"`, `"log":"ERROR also"`} {
		if !strings.Contains(heard[i], want) || !strings.Contains(heard[i], `"container_name":"/ecs-firelens-`) || !strings.Contains(heard[i], `"source":"stdout"`) {
			t.Errorf("record %d is %s", i, heard[i])
		}
	}
	conf := strings.Join(s.events(t, "/e2e/firelens", stream("router", *task.TaskArn)), "\n")
	for _, want := range []string{
		"ecs_task_arn " + *task.TaskArn, "ecs_task_definition firelens:1", "Regex log ERROR", "Match " + tag[:len("app-firelens")] + "*", "api_key ${api_key_1}", "@INCLUDE /fluent-bit/etc/external.conf", "# of the bucket",
	} {
		if !strings.Contains(conf, want) {
			t.Errorf("the router's configuration lacks %q:\n%s", want, conf)
		}
	}
	if strings.Contains(conf, "of the secret") {
		t.Error("the secret stands in the router's configuration")
	}
}
