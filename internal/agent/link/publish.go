package link

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/agentproto"
)

const (
	tasksPerMessage = 10
	// maxMessage is what the tasks of a message may take: a frame must stay below
	// 1 MB, with its headers.
	maxMessage = 900 << 10
)

// packs cuts a round into messages. There is always one, and it says which is
// the last.
func packs[T any](tasks []T) iter.Seq2[[]T, bool] {
	return func(yield func([]T, bool) bool) {
		from, size := 0, 0
		for i := range tasks {
			encoded, err := json.Marshal(tasks[i])
			if err != nil { // the message will say so
				encoded = nil
			}
			if i-from == tasksPerMessage || i > from && size+len(encoded) > maxMessage {
				if !yield(tasks[from:i], false) {
					return
				}
				from, size = i, 0
			}
			size += len(encoded) + 1
		}
		yield(tasks[from:], true)
	}
}

// publishRound sends a round: its metrics, and its health if there is any.
func (s *Session) publishRound(ctx context.Context, c *conn, r round) error {
	for tasks, last := range packs(r.metrics) {
		m := s.metadata()
		m.MessageID, m.Idle, m.Fin = uuid.NewString(), r.idle, last
		err := s.telemetry(ctx, c, agentproto.TypePublishMetrics, agentproto.PublishMetrics{Metadata: m, TaskMetrics: tasks, Timestamp: r.at})
		if err != nil {
			return err
		}
	}
	if len(r.health) == 0 {
		return nil
	}
	for tasks, last := range packs(r.health) {
		m := s.metadata()
		m.MessageID, m.Fin = uuid.NewString(), last
		err := s.telemetry(ctx, c, agentproto.TypePublishHealth, agentproto.PublishHealth{Metadata: m, Tasks: tasks, Timestamp: r.at})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) publishStatus(ctx context.Context, c *conn, status agentproto.InstanceStatus) error {
	m := s.metadata()
	m.RequestID = uuid.NewString()
	return s.telemetry(ctx, c, agentproto.TypePublishInstanceStatus, agentproto.PublishInstanceStatus{
		Metadata: m, Statuses: []agentproto.InstanceStatus{status}, Timestamp: epoch(time.Now()),
	})
}

func (s *Session) metadata() agentproto.MetricsMetadata {
	return agentproto.MetricsMetadata{Cluster: s.client.cfg.Cluster, ContainerInstance: s.cfg.ContainerInstanceARN}
}

// telemetry sends a message in the framing of the telemetry socket: a block of
// headers that sign it, an empty line, then the envelope.
func (s *Session) telemetry(ctx context.Context, c *conn, kind string, message any) error {
	body, err := agentproto.Encode(kind, message)
	if err != nil {
		return err
	}
	header := s.client.signature(c.url, body)
	header.Set("Host", c.url.Host)
	var frame bytes.Buffer
	if err := header.Write(&frame); err != nil {
		return fmt.Errorf("frame %s: %w", kind, err)
	}
	frame.WriteString("\r\n")
	frame.Write(body)
	return c.write(ctx, frame.Bytes())
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
