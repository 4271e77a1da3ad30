package link

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/slipway/slipway/internal/agentproto"
)

// TestTelemetryFraming reads the frames as a control plane does: a header block
// that signs the JSON after the first empty line.
func TestTelemetryFraming(t *testing.T) {
	b := newBackend(t)
	s := b.connect(&tasks{}, (*Session).RunTCS)
	if s.url != "/tcs/ws" || s.query["containerInstance"][0] != instanceARN || s.query["dockerVersion"][0] != "containerd 1.6.20" {
		t.Errorf("opened %s %v", s.url, s.query)
	}
	metrics := s.frame(b)
	if metrics.Type != agentproto.TypePublishMetrics {
		t.Fatalf("first message: %s", metrics.Type)
	}
	var m agentproto.PublishMetrics
	if err := json.Unmarshal(metrics.Message, &m); err != nil {
		t.Fatal(err)
	}
	if !m.Metadata.Idle || !m.Metadata.Fin || m.Metadata.ContainerInstance != instanceARN || m.Metadata.MessageID == "" || m.Timestamp == 0 {
		t.Errorf("got %+v", m)
	}
	s.send(agentproto.TypeAckMetric, agentproto.TelemetryAck{})
	status := s.frame(b)
	var st agentproto.PublishInstanceStatus
	if err := json.Unmarshal(status.Message, &st); err != nil {
		t.Fatal(err)
	}
	if status.Type != agentproto.TypePublishInstanceStatus || len(st.Statuses) != 1 || st.Statuses[0].Status != "OK" || st.Statuses[0].Type != "ContainerRuntime" {
		t.Errorf("got %s %+v", status.Type, st)
	}
}

// frame receives one frame and verifies its signature.
func (s *socket) frame(b *backend) agentproto.Envelope {
	s.t.Helper()
	frame := s.receive()
	head, body, ok := bytes.Cut(frame, []byte("\r\n\r\n"))
	if !ok {
		s.t.Fatalf("no empty line in %q", frame)
	}
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(
		bytes.NewBufferString("GET /tcs/ws?"+url.Values(s.query).Encode()+" HTTP/1.1\r\n"), bytes.NewReader(head), bytes.NewBufferString("\r\n\r\n"))))
	if err != nil {
		s.t.Fatal(err)
	}
	b.verify(r, body, "ecs")
	e, err := agentproto.Decode(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}
