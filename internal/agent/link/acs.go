package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// Messages of ACS that carry nothing this agent can use, but that count as a
// sign of life.
const (
	typeAttachTaskENI     = "AttachTaskNetworkInterfacesMessage"
	typeAttachInstanceENI = "AttachInstanceNetworkInterfacesMessage"
	typeConfirmAttachment = "ConfirmAttachmentMessage"
	typeStageUpdate       = "StageUpdateMessage"
	typePerformUpdate     = "PerformUpdateMessage"
)

// acs is what the poll socket remembers from one connection to the next. Only
// its read loop uses it.
type acs struct {
	fresh    bool  // no connection of this process succeeded yet
	mark     int64 // highest seqNum and timeline seen
	manifest string
}

// acsConn is one connection of the poll socket.
type acsConn struct {
	*conn
	session *Session
	acks    sync.WaitGroup // those that wait for the journal
}

// serveACS opens the poll socket and handles its messages, one at a time, until
// it ends.
func (s *Session) serveACS(ctx context.Context) error {
	at, err := s.discovery.get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := s.client.dial(ctx, at.acs, s.acsQuery(), cancel)
	if err != nil {
		return err
	}
	defer c.end()
	s.log.Info("connected to the control plane", "host", c.url.Host)
	s.acs.fresh = false
	a := &acsConn{conn: c, session: s}
	defer a.acks.Wait()
	defer cancel() // before the acks are waited for
	life := time.AfterFunc(between(minLife, maxLife), c.expire)
	defer life.Stop()
	for {
		e, err := c.read(ctx)
		if err != nil {
			return err
		}
		if err := a.handle(ctx, e); err != nil {
			return err
		}
	}
}

func (s *Session) acsQuery() url.Values {
	v := s.client.cfg.Version
	return url.Values{
		"agentHash": {v.Hash}, "agentVersion": {v.Agent}, "dockerVersion": {"DockerVersion: " + v.Runtime},
		"clusterArn": {s.client.cfg.Cluster}, "containerInstanceArn": {s.cfg.ContainerInstanceARN},
		"protocolVersion": {"2"}, "seqNum": {"1"}, "sendCredentials": {strconv.FormatBool(s.acs.fresh)},
	}
}

// handle does what one message says. An error ends the connection.
func (a *acsConn) handle(ctx context.Context, e agentproto.Envelope) error {
	log := a.session.log.With("type", e.Type)
	var err error
	switch e.Type {
	case agentproto.TypeHeartbeat:
		err = on(e, func(m agentproto.Heartbeat) error {
			return a.send(ctx, agentproto.TypeHeartbeatAck, agentproto.HeartbeatAck{MessageID: m.MessageID})
		})
	case agentproto.TypePayload:
		err = on(e, func(m agentproto.Payload) error { return a.payload(ctx, m) })
	case agentproto.TypeCredentials:
		err = on(e, func(m agentproto.Credentials) error { return a.credentials(ctx, m) })
	case agentproto.TypeTaskManifest:
		err = on(e, func(m agentproto.TaskManifest) error { return a.manifest(ctx, m) })
	case agentproto.TypeTaskStopVerificationAck:
		err = on(e, a.stopVerified)
	case typeStageUpdate, typePerformUpdate:
		err = on(e, func(m agentproto.Payload) error { return a.refuseUpdate(ctx, m) })
	case agentproto.TypeClose, agentproto.TypeError:
		log.Warn("message of the control plane", "message", string(e.Message))
	case typeAttachTaskENI, typeAttachInstanceENI, typeConfirmAttachment:
		log.Warn("attachments are not supported by this instance")
	default:
		log.Warn("message of unknown type ignored", "message", string(e.Message))
		return nil // no sign of life
	}
	a.alive()
	if _, ok := errors.AsType[*unusable](err); ok {
		log.Warn("message ignored", "error", err)
		return nil
	}
	return err
}

// unusable is a message that lacks what it must have.
type unusable struct{ missing string }

// Error says what is missing.
func (e *unusable) Error() string { return e.missing }

// on decodes the message and handles it.
func on[M any](e agentproto.Envelope, handle func(M) error) error {
	var m M
	if err := json.Unmarshal(e.Message, &m); err != nil {
		return &unusable{err.Error()}
	}
	return handle(m)
}

// need refuses a message in which one of the values, told in pairs with their
// names, is empty.
func need(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return &unusable{"it lacks " + pairs[i]}
		}
	}
	return nil
}

// payload hands tasks to the engine and acknowledges them once they are durable;
// meanwhile the next message is read.
func (a *acsConn) payload(ctx context.Context, m agentproto.Payload) error {
	if err := need("clusterArn", m.ClusterARN, "containerInstanceArn", m.ContainerInstanceARN, "messageId", m.MessageID); err != nil {
		return err
	}
	a.session.acs.mark = max(a.session.acs.mark, m.SeqNum)
	receipt, err := a.session.cfg.Tasks.Apply(ctx, m.Tasks)
	if err != nil {
		return err
	}
	if receipt.Malformed {
		a.session.log.Warn("payload with a malformed task is not acknowledged", "message", m.MessageID)
		return nil
	}
	a.acks.Go(func() {
		if receipt.Wait(ctx) != nil {
			return // the agent or the connection ends: it comes again
		}
		if err := a.acknowledge(ctx, m); err != nil {
			a.session.log.Debug("acknowledgement not sent", "message", m.MessageID, "error", err)
		}
	})
	return nil
}

func (a *acsConn) acknowledge(ctx context.Context, m agentproto.Payload) error {
	err := a.send(ctx, agentproto.TypeAck, agentproto.Ack{Cluster: m.ClusterARN, ContainerInstance: m.ContainerInstanceARN, MessageID: m.MessageID})
	for _, t := range m.Tasks {
		for _, c := range []*agentproto.RoleCredentials{t.RoleCredentials, t.ExecutionRoleCredentials} {
			if err != nil || c == nil {
				continue
			}
			err = a.send(ctx, agentproto.TypeCredentialsAck, agentproto.CredentialsAck{MessageID: m.MessageID, CredentialsID: c.CredentialsID, Expiration: c.Expiration})
		}
	}
	return err
}

// credentials replaces those of one role of one task.
func (a *acsConn) credentials(ctx context.Context, m agentproto.Credentials) error {
	if err := need("messageId", m.MessageID, "taskArn", m.TaskARN, "roleType", m.RoleType, "credentialsId", m.RoleCredentials.CredentialsID); err != nil {
		return err
	}
	if m.RoleType != agentproto.RoleTask && m.RoleType != agentproto.RoleExecution {
		return &unusable{"unknown roleType " + m.RoleType}
	}
	if !a.session.cfg.Tasks.SetCredentials(m.TaskARN, m.RoleType, m.RoleCredentials) {
		return &unusable{"no such task: " + m.TaskARN}
	}
	return a.send(ctx, agentproto.TypeCredentialsAck, agentproto.CredentialsAck{
		MessageID: m.MessageID, CredentialsID: m.RoleCredentials.CredentialsID, Expiration: m.RoleCredentials.Expiration,
	})
}

// manifest compares the tasks that should run with those that do. Those that the
// control plane does not name are put to it, and stop only if it says so.
func (a *acsConn) manifest(ctx context.Context, m agentproto.TaskManifest) error {
	if err := need("messageId", m.MessageID); err != nil {
		return err
	}
	s := a.session
	if m.Timeline <= s.acs.mark {
		return &unusable{fmt.Sprintf("its timeline %d is not after %d", m.Timeline, s.acs.mark)}
	}
	s.acs.mark, s.acs.manifest = m.Timeline, m.MessageID
	s.cfg.Marks.SetMark(m.Timeline)
	if err := a.send(ctx, agentproto.TypeAck, agentproto.Ack{Cluster: m.ClusterARN, ContainerInstance: m.ContainerInstanceARN, MessageID: m.MessageID}); err != nil {
		return err
	}
	candidates := stopCandidates(m, s.cfg.Tasks)
	if len(candidates) == 0 {
		return nil
	}
	return a.send(ctx, agentproto.TypeTaskStopVerification, agentproto.TaskStopVerification{MessageID: m.MessageID, StopCandidates: candidates})
}

func stopCandidates(m agentproto.TaskManifest, tasks Tasks) []agentproto.TaskIdentifier {
	wanted := make(map[string]bool, len(m.Tasks))
	for _, t := range m.Tasks {
		if t.DesiredStatus == agentproto.DesiredRunning {
			wanted[t.TaskARN] = true
		}
	}
	var candidates []agentproto.TaskIdentifier
	for _, v := range tasks.Tasks() {
		if v.Desired == agentproto.DesiredRunning && !wanted[v.Task.ARN] {
			candidates = append(candidates, agentproto.TaskIdentifier{
				TaskARN: v.Task.ARN, TaskClusterARN: m.ClusterARN, DesiredStatus: agentproto.DesiredStopped,
			})
		}
	}
	return candidates
}

// stopVerified stops what the control plane has confirmed. An answer to an
// older manifest is void.
func (a *acsConn) stopVerified(m agentproto.TaskStopVerificationAck) error {
	if m.MessageID == "" || m.MessageID != a.session.acs.manifest {
		return &unusable{"it answers no manifest that is awaited"}
	}
	a.session.acs.manifest = ""
	for _, t := range m.StopTasks {
		if t.DesiredStatus == agentproto.DesiredStopped {
			a.session.cfg.Tasks.Stop(t.TaskARN)
		}
	}
	return nil
}

// refuseUpdate answers as an ECS agent that was not told to update itself.
func (a *acsConn) refuseUpdate(ctx context.Context, m agentproto.Payload) error {
	return a.send(ctx, agentproto.TypeNack, agentproto.Nack{
		Cluster: m.ClusterARN, ContainerInstance: m.ContainerInstanceARN, MessageID: m.MessageID, Reason: "Updates are disabled",
	})
}
