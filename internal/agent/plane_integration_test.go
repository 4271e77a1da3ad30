//go:build integration

package agent

import (
	"encoding/json"
	"fmt"
	"io"
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
	"github.com/vishvananda/netlink"

	"github.com/slipway/slipway/internal/agent/runtime/containerdtest"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// inside tells the test binary that it runs in a network namespace of its own:
// the agent makes a bridge and listens on fixed ports.
const inside = "SLIPWAY_TEST_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(inside) == "" {
		os.Exit(again())
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bring up the loopback device:", err)
		os.Exit(1)
	}
	code := m.Run()
	containerdtest.Clean()
	os.Exit(code)
}

// again runs this test binary in a new network namespace.
func again() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "run in a network namespace (this test needs root):", err)
		return 1
	}
	return 0
}

const (
	testInstance = "arn:aws:ecs:us-east-1:123456789012:container-instance/default/0123456789abcdef0123456789abcdef"
	testCluster  = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
)

// plane is a control plane that the test plays.
type plane struct {
	t       testing.TB
	server  *httptest.Server
	sockets chan *websocket.Conn
	acks    chan string
	states  chan string // that the instance gave itself

	mu      sync.Mutex
	reports map[string][]ecsshape.SubmitTaskStateChangeInput // by task
	changed chan struct{}                                    // closed and replaced by every report
	n       int
}

func newPlane(t testing.TB) *plane {
	p := &plane{
		t: t, sockets: make(chan *websocket.Conn, 10), acks: make(chan string, 1000), states: make(chan string, 10),
		reports: map[string][]ecsshape.SubmitTaskStateChangeInput{}, changed: make(chan struct{}),
	}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

func (p *plane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/ws"):
		p.accept(w, r)
		return
	case r.URL.Path != "/":
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if err := json.NewEncoder(w).Encode(p.call(operation, body)); err != nil {
		p.t.Error(err)
	}
}

func (p *plane) call(operation string, body []byte) any {
	switch operation {
	case "RegisterContainerInstance":
		var in ecsshape.RegisterContainerInstanceInput
		if err := json.Unmarshal(body, &in); err != nil {
			p.t.Error(err)
		}
		return ecsshape.RegisterContainerInstanceOutput{ContainerInstance: &ecsshape.ContainerInstance{
			ContainerInstanceArn: new(testInstance), Attributes: in.Attributes,
		}}
	case "DiscoverPollEndpoint":
		return ecsshape.DiscoverPollEndpointOutput{Endpoint: new(p.server.URL + "/acs"), TelemetryEndpoint: new(p.server.URL + "/tcs")}
	case "UpdateContainerInstancesState":
		var in ecsshape.UpdateContainerInstancesStateInput
		if err := json.Unmarshal(body, &in); err != nil {
			p.t.Error(err)
		}
		p.states <- *in.Status
		return ecsshape.UpdateContainerInstancesStateOutput{}
	case "SubmitTaskStateChange":
		var in ecsshape.SubmitTaskStateChangeInput
		if err := json.Unmarshal(body, &in); err != nil {
			p.t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reports[*in.Task] = append(p.reports[*in.Task], in)
		close(p.changed)
		p.changed = make(chan struct{})
		return ecsshape.SubmitTaskStateChangeOutput{}
	}
	p.t.Errorf("unexpected call of %s", operation)
	return nil
}

func (p *plane) accept(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/acs") {
		p.sockets <- ws
	}
	for { // acknowledgements, and telemetry, which is dropped
		_, frame, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		var ack agentproto.Ack
		if e, err := agentproto.Decode(frame); err == nil && e.Type == agentproto.TypeAck && json.Unmarshal(e.Message, &ack) == nil {
			p.acks <- ack.MessageID
		}
	}
}

// send sends tasks over the socket and waits until they are acknowledged.
func (p *plane) send(ws *websocket.Conn, tasks ...agentproto.Task) {
	p.t.Helper()
	p.n++
	id := fmt.Sprint("m", p.n)
	frame, err := agentproto.Encode(agentproto.TypePayload, agentproto.Payload{
		ClusterARN: testCluster, ContainerInstanceARN: testInstance, MessageID: id, SeqNum: int64(p.n), Tasks: tasks,
	})
	if err == nil {
		err = ws.Write(p.t.Context(), websocket.MessageText, frame)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	select {
	case got := <-p.acks:
		if got != id {
			p.t.Fatalf("acknowledged %s, want %s", got, id)
		}
	case <-time.After(time.Minute):
		p.t.Fatalf("%s is not acknowledged", id)
	}
}

// await waits for the report of a state and returns it.
func (p *plane) await(task, status string) ecsshape.SubmitTaskStateChangeInput {
	p.t.Helper()
	deadline := time.After(time.Minute)
	for {
		p.mu.Lock()
		reports, changed := p.reports[task], p.changed
		p.mu.Unlock()
		for _, r := range reports {
			if *r.Status == status {
				return r
			}
		}
		select {
		case <-changed:
		case <-deadline:
			p.t.Fatalf("%s was not reported %s, but %s", task, status, said(reports))
		}
	}
}

// said is the reports for messages.
func said(reports []ecsshape.SubmitTaskStateChangeInput) string {
	text, err := json.Marshal(reports)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// only is the last change of the one container in a report.
func only(t testing.TB, r ecsshape.SubmitTaskStateChangeInput) ecsshape.ContainerStateChange {
	t.Helper()
	if len(r.Containers) == 0 {
		t.Fatalf("no container in %+v", r)
	}
	return r.Containers[len(r.Containers)-1]
}
