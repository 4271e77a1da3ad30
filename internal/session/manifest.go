package session

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// greet sends the list of all tasks that the agent should have, after their
// payloads: an agent that runs others asks what to do with them.
func (a *acs) greet(ctx context.Context, snap *store.Snapshot, index string) error {
	now := time.Now()
	m := agentproto.TaskManifest{
		ClusterARN:           a.of.clusterARN(),
		ContainerInstanceARN: a.of.ARN(),
		GeneratedAt:          now.UnixMilli(),
		Timeline:             a.seq.next(),
		Tasks:                []agentproto.TaskIdentifier{},
	}
	m.MessageID = a.messageID(m.Timeline)
	for t := range ecs.Tasks.By(snap, ecs.IndexInstance, index) {
		m.Tasks = append(m.Tasks, agentproto.TaskIdentifier{
			TaskARN: t.ARN(), TaskClusterARN: a.of.clusterARN(), DesiredStatus: t.DesiredStatus,
		})
	}
	a.mu.Lock()
	a.manifest = m.MessageID
	a.mu.Unlock()
	return send(ctx, a.conn, agentproto.TypeTaskManifest, m)
}

// verify answers an agent that asks which of the tasks that the manifest did
// not want should really stop.
func (a *acs) verify(ctx context.Context, m agentproto.TaskStopVerification) error {
	a.mu.Lock()
	ours := m.MessageID == a.manifest
	a.mu.Unlock()
	if !ours {
		return nil
	}
	snap := a.srv.cfg.Room.Store().Snapshot()
	ack := agentproto.TaskStopVerificationAck{
		MessageID:   m.MessageID,
		GeneratedAt: time.Now().UnixMilli(),
		StopTasks:   []agentproto.TaskIdentifier{},
	}
	for _, c := range m.StopCandidates {
		if a.of.mustStop(snap, c.TaskARN) {
			c.DesiredStatus = agentproto.DesiredStopped
			ack.StopTasks = append(ack.StopTasks, c)
		}
	}
	if err := send(ctx, a.conn, agentproto.TypeTaskStopVerificationAck, ack); err != nil {
		return fmt.Errorf("answer stop verification: %w", err)
	}
	return nil
}

// mustStop tells whether a task that runs on the instance has no business
// there: it is unknown, is to stop or counts as stopped, or is another
// instance's.
func (i Instance) mustStop(r store.Reader, taskARN string) bool {
	t, ok := i.task(r, taskARN)
	return !ok || t.DesiredStatus == ecs.TaskStopped
}
