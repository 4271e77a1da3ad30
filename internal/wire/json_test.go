package wire_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// capture binds a handler that keeps its input and answers nothing.
func capture[In, Out any](s *served, op *wire.Operation[In, Out]) *In {
	got := new(In)
	wire.Handle(s.Mux, op, func(_ context.Context, _ *wire.Call, in *In) (*Out, error) {
		*got = *in
		return nil, nil
	})
	return got
}

func TestJSONInputFromSDK(t *testing.T) {
	s := serve(t, nil)
	got := capture(s, ecsshape.RegisterTaskDefinition)
	_, err := s.ecs().RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family:                  aws.String("käse \"&<>\u2028\n"),
		RequiresCompatibilities: []ecstypes.Compatibility{},
		Volumes:                 []ecstypes.Volume{{Name: aws.String("v"), Host: &ecstypes.HostVolumeProperties{}}},
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("web:1"), Cpu: 0, Memory: aws.Int32(128), Essential: aws.Bool(false),
			Environment:  []ecstypes.KeyValuePair{{Name: aws.String("A"), Value: aws.String("")}},
			DockerLabels: map[string]string{"x": "1", "y": ""},
			PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(0), Protocol: ecstypes.TransportProtocolTcp}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &ecsshape.RegisterTaskDefinitionInput{
		Family:                  new("käse \"&<>\u2028\n"),
		RequiresCompatibilities: []string{},
		Volumes:                 []ecsshape.Volume{{Name: new("v"), Host: &ecsshape.HostVolumeProperties{}}},
		ContainerDefinitions: []ecsshape.ContainerDefinition{{
			Name: new("web"), Image: new("web:1"), Cpu: new(int32(0)), Memory: new(int32(128)), Essential: new(false),
			Environment:  []ecsshape.KeyValuePair{{Name: new("A"), Value: new("")}},
			DockerLabels: map[string]string{"x": "1", "y": ""},
			PortMappings: []ecsshape.PortMapping{{ContainerPort: new(int32(80)), HostPort: new(int32(0)), Protocol: new("tcp")}},
		}},
	}
	// The SDK leaves out a plain integer that is zero.
	got.ContainerDefinitions[0].Cpu = want.ContainerDefinitions[0].Cpu
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestJSONTimeInputFromSDK(t *testing.T) {
	s := serve(t, nil)
	got := capture(s, ecsshape.SubmitTaskStateChange)
	when := time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	if _, err := s.ecs().SubmitTaskStateChange(t.Context(), &ecs.SubmitTaskStateChangeInput{Cluster: aws.String("c"), PullStartedAt: &when}); err != nil {
		t.Fatal(err)
	}
	if !got.PullStartedAt.Or().Equal(when) {
		t.Errorf("PullStartedAt = %v, want %v", got.PullStartedAt, when)
	}
}

func TestJSONOutputKeepsZerosAndEmptyLists(t *testing.T) {
	s := serve(t, nil)
	handle(s, ecsshape.DescribeClusters, &ecsshape.DescribeClustersOutput{
		Clusters: []ecsshape.Cluster{{ClusterName: new(""), RunningTasksCount: new(int32(0)), Tags: []ecsshape.Tag{}}},
		Failures: []ecsshape.Failure{},
	})
	status, body := s.post(t, "ecs", "AmazonEC2ContainerServiceV20141113.DescribeClusters", `{}`)
	want := `{"clusters":[{"clusterName":"","runningTasksCount":0,"tags":[]}],"failures":[]}`
	if status != 200 || body != want {
		t.Errorf("answer = %d %s, want 200 %s", status, body, want)
	}
}

func TestJSONBlobFromSDK(t *testing.T) {
	s := serve(t, nil)
	at := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	handle(s, ecrshape.GetAuthorizationToken, &ecrshape.GetAuthorizationTokenOutput{
		AuthorizationData: []ecrshape.AuthorizationData{{AuthorizationToken: new("QVdTOng="), ExpiresAt: shape.At(at), ProxyEndpoint: new("http://h")}},
	})
	out, err := s.ecr().GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	want := []ecrtypes.AuthorizationData{{AuthorizationToken: aws.String("QVdTOng="), ExpiresAt: &at, ProxyEndpoint: aws.String("http://h")}}
	if diff := cmp.Diff(want, out.AuthorizationData, cmp.AllowUnexported(ecrtypes.AuthorizationData{}), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestCallSaysWhoAndWhere(t *testing.T) {
	s := serve(t, nil)
	var call wire.Call
	wire.Handle(s.Mux, ecsshape.ListClusters, func(_ context.Context, c *wire.Call, _ *ecsshape.ListClustersInput) (*ecsshape.ListClustersOutput, error) {
		call = *c
		return nil, nil
	})
	if _, err := s.ecs().ListClusters(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if call.RequestID == "" || call.RemoteAddr == "" || call.UserAgent == "" {
		t.Errorf("call lacks request id, remote address or user agent: %+v", call)
	}
	call.RequestID, call.RemoteAddr, call.UserAgent = "", "", ""
	want := wire.Call{
		Service: "ecs", Operation: "ListClusters", Account: account, Region: "eu-west-3",
		Principal: rootKey().Principal, AccessKeyID: keyID, Host: s.url[len("http://"):],
	}
	if diff := cmp.Diff(want, call); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]observation{{"ecs:ListClusters", 200}}, s.observed, cmp.AllowUnexported(observation{})); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestHandleRefusesTwoHandlers(t *testing.T) {
	s := serve(t, nil)
	handle(s, ecsshape.ListClusters, nil)
	defer func() {
		if recover() == nil {
			t.Error("a second handler was taken")
		}
	}()
	handle(s, ecsshape.ListClusters, nil)
}

func TestServed(t *testing.T) {
	s := serve(t, nil)
	handle(s, ecsshape.ListTasks, nil)
	handle(s, ecrshape.ListImages, nil)
	handle(s, ecsshape.ListClusters, nil)
	var actions []string
	for _, op := range s.Served() {
		actions = append(actions, op.Action)
	}
	if diff := cmp.Diff([]string{"ecr:ListImages", "ecs:ListClusters", "ecs:ListTasks"}, actions); diff != "" {
		t.Errorf("Served (-want +got):\n%s", diff)
	}
}
