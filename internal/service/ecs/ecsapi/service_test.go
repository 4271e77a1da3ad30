package ecsapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

// serviceDoor is a door behind which there are a cluster and the definition web.
type serviceDoor struct{ *door }

func openServiceDoor(t *testing.T) *serviceDoor {
	t.Helper()
	s := &serviceDoor{openDoor(t)}
	if _, err := s.CreateCluster(t.Context(), &sdk.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	_, err := s.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("registry.test/app:1"), Memory: aws.Int32(64)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rawAnswer is an HTTP client that keeps the last body as it was on the wire.
type rawAnswer struct{ body []byte }

func (r *rawAnswer) Do(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(r.body))
	return resp, nil
}

func (s *serviceDoor) create(t *testing.T, name string) types.Service {
	t.Helper()
	out, err := s.CreateService(t.Context(), &sdk.CreateServiceInput{
		ServiceName: &name, TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(2),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Service
}

func TestServiceOnTheWire(t *testing.T) {
	s := openServiceDoor(t)
	s.create(t, "web")
	raw := &rawAnswer{}
	_, err := s.DescribeServices(t.Context(), &sdk.DescribeServicesInput{Services: []string{"web"}},
		func(o *sdk.Options) { o.HTTPClient = raw })
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw.body, &got); err != nil {
		t.Fatal(err)
	}
	if f, ok := got["failures"].([]any); !ok || len(f) != 0 {
		t.Errorf("failures %v, want an empty list", got["failures"])
	}
	svc := got["services"].([]any)[0].(map[string]any)
	dep := svc["deployments"].([]any)[0].(map[string]any)
	id := dep["id"].(string)
	for _, volatile := range []string{"id", "createdAt", "updatedAt"} {
		if dep[volatile] == nil {
			t.Errorf("deployment has no %s", volatile)
		}
		delete(dep, volatile)
	}
	for _, volatile := range []string{"createdAt", "currentServiceDeployment", "currentServiceRevisions"} {
		if svc[volatile] == nil {
			t.Errorf("service has no %s", volatile)
		}
		delete(svc, volatile)
	}
	want := map[string]any{
		"serviceArn":  "arn:aws:ecs:us-east-1:123456789012:service/default/web",
		"serviceName": "web", "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default",
		"loadBalancers": []any{}, "serviceRegistries": []any{}, "status": "ACTIVE",
		"desiredCount": 2., "runningCount": 0., "pendingCount": 0., "launchType": "EC2",
		"taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
		"deploymentConfiguration": map[string]any{
			"deploymentCircuitBreaker": map[string]any{"enable": false, "rollback": false},
			"maximumPercent":           200., "minimumHealthyPercent": 100., "strategy": "ROLLING", "bakeTimeInMinutes": 0.,
		},
		"deployments": []any{map[string]any{
			"status": "PRIMARY", "taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
			"desiredCount": 2., "pendingCount": 0., "runningCount": 0., "failedTasks": 0., "launchType": "EC2",
			"rolloutState": "IN_PROGRESS", "rolloutStateReason": "ECS deployment " + id + " in progress.",
		}},
		"events": []any{}, "placementConstraints": []any{}, "placementStrategy": []any{},
		"schedulingStrategy": "REPLICA", "deploymentController": map[string]any{"type": "ECS"},
		"createdBy": "arn:aws:iam::123456789012:root", "enableECSManagedTags": false, "propagateTags": "NONE",
		"enableExecuteCommand": false, "availabilityZoneRebalancing": "ENABLED", "healthCheckGracePeriodSeconds": 0.,
		"resourceManagementType": "CUSTOMER",
	}
	if diff := cmp.Diff(want, svc); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
}

func TestServiceTagsAreIncludedOnRequest(t *testing.T) {
	s := openServiceDoor(t)
	if made := s.create(t, "web"); len(made.Tags) != 1 {
		t.Errorf("created with tags %v", made.Tags)
	}
	for _, tt := range []struct {
		include []types.ServiceField
		want    int
	}{{nil, 0}, {[]types.ServiceField{types.ServiceFieldTags}, 1}} {
		out, err := s.DescribeServices(t.Context(), &sdk.DescribeServicesInput{Services: []string{"web"}, Include: tt.include})
		if err != nil || len(out.Services[0].Tags) != tt.want {
			t.Errorf("include %v: tags %v, error %v", tt.include, out.Services[0].Tags, err)
		}
	}
}

func TestServiceErrorsAreTyped(t *testing.T) {
	s := openServiceDoor(t)
	s.create(t, "web")
	_, err := s.UpdateService(t.Context(), &sdk.UpdateServiceInput{Service: aws.String("nope")})
	if _, ok := errors.AsType[*types.ServiceNotFoundException](err); !ok {
		t.Errorf("unknown service: %v", err)
	}
	_, err = s.DescribeServices(t.Context(), &sdk.DescribeServicesInput{Cluster: aws.String("nope"), Services: []string{"web"}})
	if _, ok := errors.AsType[*types.ClusterNotFoundException](err); !ok {
		t.Errorf("unknown cluster: %v", err)
	}
	_, err = s.DescribeServices(t.Context(), &sdk.DescribeServicesInput{Services: slices.Repeat([]string{"web"}, 11)})
	if _, ok := errors.AsType[*types.InvalidParameterException](err); !ok {
		t.Errorf("eleven services: %v", err)
	}
	_, err = s.ListServicesByNamespace(t.Context(), &sdk.ListServicesByNamespaceInput{Namespace: aws.String("ns")})
	if _, ok := errors.AsType[*types.NamespaceNotFoundException](err); !ok {
		t.Errorf("unknown namespace: %v", err)
	}
	_, err = s.StopServiceDeployment(t.Context(), &sdk.StopServiceDeploymentInput{ServiceDeploymentArn: aws.String("arn:x")})
	if _, ok := errors.AsType[*types.ServiceDeploymentNotFoundException](err); !ok {
		t.Errorf("unknown deployment: %v", err)
	}
	if _, err := s.DeleteService(t.Context(), &sdk.DeleteServiceInput{Service: aws.String("web"), Force: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	_, err = s.UpdateService(t.Context(), &sdk.UpdateServiceInput{Service: aws.String("web")})
	if _, ok := errors.AsType[*types.ServiceNotActiveException](err); !ok {
		t.Errorf("draining service: %v", err)
	}
}

func TestServicePaginator(t *testing.T) {
	s := openServiceDoor(t)
	for i := range 12 {
		s.create(t, "s"+string(rune('a'+i)))
	}
	var arns []string
	pages := sdk.NewListServicesPaginator(s.Client, &sdk.ListServicesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, page.ServiceArns...)
	}
	if len(arns) != 12 {
		t.Errorf("%d services, want 12", len(arns))
	}
}

func TestServiceDeploymentsOnTheWire(t *testing.T) {
	s := openServiceDoor(t)
	made := s.create(t, "web")
	list, err := s.ListServiceDeployments(t.Context(), &sdk.ListServiceDeploymentsInput{
		Service: aws.String("web"), Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusInProgress},
	})
	if err != nil || len(list.ServiceDeployments) != 1 {
		t.Fatalf("list: %v, %v", list, err)
	}
	arn := *list.ServiceDeployments[0].ServiceDeploymentArn
	if arn != *made.CurrentServiceDeployment {
		t.Errorf("current deployment %s, listed %s", *made.CurrentServiceDeployment, arn)
	}
	described, err := s.DescribeServiceDeployments(t.Context(), &sdk.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{arn}})
	if err != nil || len(described.ServiceDeployments) != 1 {
		t.Fatalf("describe: %v, %v", described, err)
	}
	d := described.ServiceDeployments[0]
	if d.Status != types.ServiceDeploymentStatusInProgress || d.TargetServiceRevision.RequestedTaskCount != 2 ||
		d.DeploymentCircuitBreaker.Status != types.ServiceDeploymentRollbackMonitorsStatusDisabled || d.StartedAt == nil {
		t.Errorf("deployment %+v", d)
	}
	revisions, err := s.DescribeServiceRevisions(t.Context(), &sdk.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*d.TargetServiceRevision.Arn}})
	if err != nil || len(revisions.ServiceRevisions) != 1 {
		t.Fatalf("revisions: %v, %v", revisions, err)
	}
	if r := revisions.ServiceRevisions[0]; r.LaunchType != types.LaunchTypeEc2 || *r.ContainerImages[0].Image != "registry.test/app:1" {
		t.Errorf("revision %+v", r)
	}
	stopped, err := s.StopServiceDeployment(t.Context(), &sdk.StopServiceDeploymentInput{ServiceDeploymentArn: &arn})
	if err != nil || *stopped.ServiceDeploymentArn != arn {
		t.Fatalf("stop: %v, %v", stopped, err)
	}
	_, err = s.StopServiceDeployment(t.Context(), &sdk.StopServiceDeploymentInput{ServiceDeploymentArn: &arn})
	if e, ok := errors.AsType[*types.ConflictException](err); !ok || !slices.Equal(e.ResourceIds, []string{arn}) {
		t.Errorf("stopping twice: %v", err)
	}
}
