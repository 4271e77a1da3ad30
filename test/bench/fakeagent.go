package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
	"github.com/slipway/slipway/test/harness"
)

// fakeAgent is a container instance of any size that takes tasks and runs none:
// it speaks the agent's protocol so far as to be connected and to acknowledge.
type fakeAgent struct {
	conn *websocket.Conn
	arn  string
}

func joinFake(ctx context.Context, c harness.Clients, key harness.Key, clusterName string, cpu, memory int32) (*fakeAgent, error) {
	reg, err := c.ECS.RegisterContainerInstance(ctx, &ecs.RegisterContainerInstanceInput{
		Cluster: &clusterName,
		TotalResources: []types.Resource{
			{Name: aws.String("CPU"), Type: aws.String("INTEGER"), IntegerValue: cpu},
			{Name: aws.String("MEMORY"), Type: aws.String("INTEGER"), IntegerValue: memory},
			{Name: aws.String("PORTS"), Type: aws.String("STRINGSET"), StringSetValue: []string{"22"}},
			{Name: aws.String("PORTS_UDP"), Type: aws.String("STRINGSET"), StringSetValue: []string{}},
		},
		Attributes: fakeAttributes(),
	})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	a := &fakeAgent{arn: *reg.ContainerInstance.ContainerInstanceArn}
	poll, err := c.ECS.DiscoverPollEndpoint(ctx, &ecs.DiscoverPollEndpointInput{Cluster: &clusterName, ContainerInstance: &a.arn})
	if err != nil {
		return nil, fmt.Errorf("discover: %w", err)
	}
	return a, a.open(ctx, *poll.Endpoint, clusterName, key)
}

// fakeAttributes are the capabilities that plain task definitions ask for.
func fakeAttributes() []types.Attribute {
	var out []types.Attribute
	for _, v := range []string{"17", "18", "19", "20", "21", "22", "23", "24", "25", "28", "29", "30", "32"} {
		out = append(out, types.Attribute{Name: aws.String("com.amazonaws.ecs.capability.docker-remote-api.1." + v)})
	}
	return append(out, types.Attribute{Name: aws.String("com.amazonaws.ecs.capability.ecr-auth")},
		types.Attribute{Name: aws.String("ecs.capability.full-sync")})
}

func (a *fakeAgent) open(ctx context.Context, endpoint, clusterName string, key harness.Key) error {
	q := url.Values{
		"clusterArn": {clusterName}, "containerInstanceArn": {a.arn}, "agentVersion": {"1.105.1"}, "agentHash": {"bench"},
		"dockerVersion": {"DockerVersion: 20.10.24"}, "protocolVersion": {"2"}, "sendCredentials": {"true"}, "seqNum": {"1"},
	}
	target := strings.TrimSuffix(endpoint, "/") + "/ws?" + q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	creds := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
	sigv4.Sign(req, nil, creds, region, "ecs", time.Now())
	a.conn, _, err = websocket.Dial(ctx, target, &websocket.DialOptions{HTTPHeader: req.Header})
	if err != nil {
		return fmt.Errorf("open ACS: %w", err)
	}
	a.conn.SetReadLimit(4 << 20)
	go a.serve(ctx)
	return nil
}

// serve acknowledges whatever comes until the socket ends.
func (a *fakeAgent) serve(ctx context.Context) {
	for {
		_, frame, err := a.conn.Read(ctx)
		if err != nil {
			return
		}
		e, err := agentproto.Decode(frame)
		if err != nil {
			return
		}
		answer := a.answer(e)
		if answer == nil {
			continue
		}
		if err := a.conn.Write(ctx, websocket.MessageText, answer); err != nil {
			return
		}
	}
}

func (a *fakeAgent) answer(e agentproto.Envelope) []byte {
	var m struct {
		MessageID  string `json:"messageId"`
		ClusterARN string `json:"clusterArn"`
	}
	if json.Unmarshal(e.Message, &m) != nil {
		return nil
	}
	var out []byte
	switch e.Type {
	case agentproto.TypeHeartbeat:
		out, _ = agentproto.Encode(agentproto.TypeHeartbeatAck, agentproto.HeartbeatAck{MessageID: m.MessageID})
	case agentproto.TypePayload, agentproto.TypeTaskManifest:
		out, _ = agentproto.Encode(agentproto.TypeAck, agentproto.Ack{
			Cluster: m.ClusterARN, ContainerInstance: a.arn, MessageID: m.MessageID,
		})
	}
	return out
}

func (a *fakeAgent) close() { a.conn.CloseNow() }
