package ecsapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/service/ecs"
)

// registration is what an agent sends for an EC2 instance; an empty id is a
// machine outside EC2.
func registration(ec2InstanceID, arn string) *sdk.RegisterContainerInstanceInput {
	in := &sdk.RegisterContainerInstanceInput{
		Cluster: new("default"),
		Attributes: []types.Attribute{
			{Name: new("ecs.cpu-architecture"), Value: new("x86_64")},
			{Name: new("com.amazonaws.ecs.capability.docker-remote-api.1.17")},
			{Name: new("stack"), Value: new("prod")},
		},
		TotalResources: []types.Resource{
			{Name: new("CPU"), Type: new("INTEGER"), IntegerValue: 2048},
			{Name: new("MEMORY"), Type: new("INTEGER"), IntegerValue: 4096},
			{Name: new("PORTS"), Type: new("STRINGSET"), StringSetValue: []string{"22", "51678"}},
			{Name: new("PORTS_UDP"), Type: new("STRINGSET"), StringSetValue: []string{}},
		},
	}
	if ec2InstanceID != "" {
		in.InstanceIdentityDocument = new(`{"instanceId":"` + ec2InstanceID + `","instanceType":"t3.medium","availabilityZone":"us-east-1b","imageId":"ami-1","region":"us-east-1"}`)
	}
	if arn != "" {
		in.ContainerInstanceArn = &arn
	}
	return in
}

func (d *door) registered(t *testing.T, ec2InstanceID, arn string) *types.ContainerInstance {
	t.Helper()
	out, err := d.RegisterContainerInstance(t.Context(), registration(ec2InstanceID, arn))
	if err != nil {
		t.Fatal(err)
	}
	return out.ContainerInstance
}

// connect opens the agent's socket, as far as the room can tell.
func (d *door) connect(t *testing.T, arn string) {
	t.Helper()
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	if err := d.room.ConnectAgent(t.Context(), d.scope(), "default", id, ecs.AgentConnection{ID: "a", AgentVersion: "1.105.1"}); err != nil {
		t.Fatal(err)
	}
}

func (d *door) instance(t *testing.T, arn string) types.ContainerInstance {
	t.Helper()
	out, err := d.DescribeContainerInstances(t.Context(), &sdk.DescribeContainerInstancesInput{ContainerInstances: []string{arn}})
	if err != nil || len(out.ContainerInstances) != 1 {
		t.Fatalf("described %v, %v", out, err)
	}
	return out.ContainerInstances[0]
}

func attributes(list []types.Attribute) map[string]string {
	got := map[string]string{}
	for _, a := range list {
		value := ""
		if a.Value != nil {
			value = *a.Value
		}
		got[*a.Name] = value
	}
	return got
}

// TestResourcesAreDescribedAsAWS: members of another type are there and zero,
// and ports are those in use.
func TestResourcesAreDescribedAsAWS(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	arn := *d.registered(t, "i-1", "").ContainerInstanceArn
	d.connect(t, arn)
	_, err := d.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
		Family: new("web"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: new("app"), Image: new("app"), Memory: new(int32(96)), Cpu: 48,
			PortMappings: []types.PortMapping{{ContainerPort: new(int32(80)), HostPort: new(int32(8080))}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if run, err := d.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web")}); err != nil || len(run.Tasks) != 1 {
		t.Fatalf("run %v, %v", run, err)
	}
	status, body := d.post(t, "DescribeContainerInstances", []byte(`{"containerInstances":["`+arn+`"],"include":["CONTAINER_INSTANCE_HEALTH"]}`))
	if status != http.StatusOK {
		t.Fatal(string(body))
	}
	var out struct {
		ContainerInstances []struct {
			RemainingResources json.RawMessage
			PendingTasksCount  int
			HealthStatus       json.RawMessage
			VersionInfo        struct{ AgentVersion string }
		}
	}
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	i := out.ContainerInstances[0]
	want := `[{"doubleValue":0.0,"integerValue":2000,"longValue":0,"name":"CPU","type":"INTEGER"},` +
		`{"doubleValue":0.0,"integerValue":4000,"longValue":0,"name":"MEMORY","type":"INTEGER"},` +
		`{"doubleValue":0.0,"integerValue":0,"longValue":0,"name":"PORTS","stringSetValue":["22","8080","51678"],"type":"STRINGSET"},` +
		`{"doubleValue":0.0,"integerValue":0,"longValue":0,"name":"PORTS_UDP","stringSetValue":[],"type":"STRINGSET"}]`
	if string(i.RemainingResources) != want {
		t.Errorf("remaining\n%s\nwant\n%s", i.RemainingResources, want)
	}
	if i.PendingTasksCount != 1 || string(i.HealthStatus) != `{"details":[],"overallStatus":"INSUFFICIENT_DATA"}` || i.VersionInfo.AgentVersion != "1.105.1" {
		t.Errorf("described as %s", body)
	}
}

func TestRegistrationAgain(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	d.cluster(t, "other")
	first := d.registered(t, "i-1", "")
	arn := *first.ContainerInstanceArn
	d.connect(t, arn)
	if _, err := d.PutAttributes(t.Context(), &sdk.PutAttributesInput{Attributes: []types.Attribute{{Name: new("mine"), Value: new("1"), TargetId: &arn}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.UpdateContainerInstancesState(t.Context(), &sdk.UpdateContainerInstancesStateInput{ContainerInstances: []string{arn}, Status: "DRAINING"}); err != nil {
		t.Fatal(err)
	}
	again := d.registered(t, "i-1", arn)
	if *again.ContainerInstanceArn != arn || *again.Status != "DRAINING" || again.AgentConnected {
		t.Errorf("registered again as %+v", again)
	}
	if got := attributes(again.Attributes); got["mine"] != "1" || got["stack"] != "prod" {
		t.Errorf("attributes %v", got)
	}

	for _, tc := range []struct {
		name, message string
		change        func(*sdk.RegisterContainerInstanceInput)
	}{
		{"another type", "Container instance type changes are not supported.", func(in *sdk.RegisterContainerInstanceInput) {
			in.InstanceIdentityDocument = new(`{"instanceId":"i-1","instanceType":"m5.large"}`)
		}},
		{"another cluster", "Container instance cluster changes are not supported.", func(in *sdk.RegisterContainerInstanceInput) { in.Cluster = new("other") }},
		{"another machine", "The container instance " + arn + " is registered by another EC2 instance.", func(in *sdk.RegisterContainerInstanceInput) {
			in.InstanceIdentityDocument = new(`{"instanceId":"i-2","instanceType":"t3.medium"}`)
		}},
		{"unknown", "The container instance " + arn[:len(arn)-32] + strings.Repeat("0", 32) + " is not registered or has been deregistered.", func(in *sdk.RegisterContainerInstanceInput) {
			in.ContainerInstanceArn = new(arn[:len(arn)-32] + strings.Repeat("0", 32))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := registration("i-1", arn)
			tc.change(in)
			_, err := d.RegisterContainerInstance(t.Context(), in)
			wantError(t, err, "ClientException", tc.message)
		})
	}
}

// TestLostStateReplacesTheRegistration: a machine that comes back without
// knowing who it was is a new instance, and the old one's tasks have ended.
func TestLostStateReplacesTheRegistration(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	old := *d.registered(t, "i-1", "").ContainerInstanceArn
	d.connect(t, old)
	if _, err := d.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
		Family: new("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: new("app"), Image: new("app"), Memory: new(int32(64))}},
	}); err != nil {
		t.Fatal(err)
	}
	run, err := d.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web")})
	if err != nil || len(run.Tasks) != 1 {
		t.Fatalf("run %v, %v", run, err)
	}
	next := *d.registered(t, "i-1", "").ContainerInstanceArn
	if next == old {
		t.Fatal("the same registration")
	}
	if i := d.instance(t, old); *i.Status != "INACTIVE" {
		t.Errorf("the old registration is %s", *i.Status)
	}
	tasks, err := d.DescribeTasks(t.Context(), &sdk.DescribeTasksInput{Tasks: []string{*run.Tasks[0].TaskArn}})
	if err != nil || *tasks.Tasks[0].LastStatus != "STOPPED" || *tasks.Tasks[0].StoppedReason != "Host EC2 (instance i-1) terminated." {
		t.Errorf("its task is %+v, %v", tasks.Tasks, err)
	}
}

// TestRegistrationIsIdempotent: the retries of one registration, at once and
// later, make one instance.
func TestRegistrationIsIdempotent(t *testing.T) {
	for _, document := range []string{"", `,"instanceIdentityDocument":"{\"instanceId\":\"i-1\"}"`} {
		d := openDoor(t)
		d.cluster(t, "default")
		body := []byte(`{"clientToken":"token-1"` + document + `}`)
		arns := make([]string, 8)
		var wg sync.WaitGroup
		for i := range arns {
			wg.Go(func() {
				status, answer := d.post(t, "RegisterContainerInstance", body)
				var out struct {
					ContainerInstance struct{ ContainerInstanceArn string }
				}
				if err := json.Unmarshal(answer, &out); err != nil || status != http.StatusOK {
					t.Errorf("status %d: %s", status, answer)
				}
				arns[i] = out.ContainerInstance.ContainerInstanceArn
			})
		}
		wg.Wait()
		slices.Sort(arns)
		if len(slices.Compact(arns)) != 1 {
			t.Errorf("instances %v", arns)
		}
		out, err := d.ListContainerInstances(t.Context(), &sdk.ListContainerInstancesInput{})
		if err != nil || len(out.ContainerInstanceArns) != 1 {
			t.Errorf("listed %v, %v", out, err)
		}
	}
}

func TestInstanceLife(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	d.cluster(t, "other")
	arn := *d.registered(t, "i-1", "").ContainerInstanceArn
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	d.connect(t, arn)
	if _, err := d.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
		Family: new("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: new("app"), Image: new("app"), Memory: new(int32(64))}},
	}); err != nil {
		t.Fatal(err)
	}
	run, err := d.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web")})
	if err != nil || len(run.Tasks) != 1 {
		t.Fatalf("run %v, %v", run, err)
	}
	_, err = d.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: new("default")})
	wantError(t, err, "ClusterContainsContainerInstancesException", "The Cluster cannot be deleted while Container Instances are active or draining.")
	_, err = d.DeregisterContainerInstance(t.Context(), &sdk.DeregisterContainerInstanceInput{ContainerInstance: &id})
	wantError(t, err, "InvalidParameterException", "Found running tasks on the instance.")
	_, err = d.DeregisterContainerInstance(t.Context(), &sdk.DeregisterContainerInstanceInput{Cluster: new("other"), ContainerInstance: &arn})
	wantError(t, err, "InvalidParameterException", "Invalid identifier: Identifier is for cluster default. Your cluster is other")

	nobody := strings.Repeat("0", 32)
	changed, err := d.UpdateContainerInstancesState(t.Context(), &sdk.UpdateContainerInstancesStateInput{ContainerInstances: []string{id, nobody}, Status: "DRAINING"})
	if err != nil || len(changed.ContainerInstances) != 1 || *changed.ContainerInstances[0].Status != "DRAINING" || *changed.Failures[0].Reason != "MISSING" {
		t.Errorf("changed %+v, %v", changed, err)
	}
	if c, err := d.DescribeClusters(t.Context(), &sdk.DescribeClustersInput{}); err != nil || c.Clusters[0].RegisteredContainerInstancesCount != 1 || c.Clusters[0].PendingTasksCount != 1 {
		t.Errorf("cluster %+v, %v", c, err)
	}
	_, err = d.UpdateContainerAgent(t.Context(), &sdk.UpdateContainerAgentInput{ContainerInstance: &id})
	wantError(t, err, "NoUpdateAvailableException", "There is no update available for your container agent.")

	gone, err := d.DeregisterContainerInstance(t.Context(), &sdk.DeregisterContainerInstanceInput{ContainerInstance: &id, Force: new(true)})
	if err != nil || *gone.ContainerInstance.Status != "INACTIVE" {
		t.Errorf("deregistered %+v, %v", gone, err)
	}
	tasks, err := d.DescribeTasks(t.Context(), &sdk.DescribeTasksInput{Tasks: []string{*run.Tasks[0].TaskArn}})
	if err != nil || *tasks.Tasks[0].StoppedReason != "Container instance deregistration forced by user" {
		t.Errorf("its task is %+v, %v", tasks.Tasks, err)
	}
	if out, err := d.ListContainerInstances(t.Context(), &sdk.ListContainerInstancesInput{}); err != nil || len(out.ContainerInstanceArns) != 0 {
		t.Errorf("listed %v, %v", out, err)
	}
	late, err := d.UpdateContainerInstancesState(t.Context(), &sdk.UpdateContainerInstancesStateInput{ContainerInstances: []string{id}, Status: "ACTIVE"})
	if err != nil || len(late.Failures) != 1 || *late.Failures[0].Reason != "INACTIVE" {
		t.Errorf("changed %+v, %v", late, err)
	}
	missing, err := d.DescribeContainerInstances(t.Context(), &sdk.DescribeContainerInstancesInput{ContainerInstances: []string{nobody}})
	if err != nil || *missing.Failures[0].Reason != "MISSING" || *missing.Failures[0].Arn != arn[:len(arn)-32]+nobody {
		t.Errorf("described %+v, %v", missing, err)
	}
	if _, err := d.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: new("default")}); err != nil {
		t.Error(err)
	}
}

func TestTerminatedMachine(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	arn := *d.registered(t, "i-1", "").ContainerInstanceArn
	other := *d.registered(t, "i-2", "").ContainerInstanceArn
	if err := d.room.TerminateInstance(t.Context(), d.scope(), "i-1"); err != nil {
		t.Fatal(err)
	}
	if a, b := *d.instance(t, arn).Status, *d.instance(t, other).Status; a != "INACTIVE" || b != "ACTIVE" {
		t.Errorf("i-1 is %s, i-2 is %s", a, b)
	}
}

func TestAwaitConnected(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	done := make(chan error, 1)
	go func() { done <- d.room.AwaitConnected(t.Context(), d.scope(), "default", 2) }()
	for _, id := range []string{"i-1", "i-2"} {
		select {
		case err := <-done:
			t.Fatalf("over before %s is connected: %v", id, err)
		default:
		}
		d.connect(t, *d.registered(t, id, "").ContainerInstanceArn)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestListContainerInstancesByExpression(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	byID := map[string]string{}
	for n := range 5 {
		id := fmt.Sprintf("i-%d", n)
		byID[id] = *d.registered(t, id, "").ContainerInstanceArn
	}
	if _, err := d.PutAttributes(t.Context(), &sdk.PutAttributesInput{Attributes: []types.Attribute{
		{Name: new("tier"), Value: new("gold"), TargetId: new(byID["i-1"])}, {Name: new("tier"), Value: new("tin"), TargetId: new(byID["i-2"])},
	}}); err != nil {
		t.Fatal(err)
	}
	d.connect(t, byID["i-3"])
	list := func(in *sdk.ListContainerInstancesInput) []string {
		t.Helper()
		var got []string
		pages := sdk.NewListContainerInstancesPaginator(d, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.ContainerInstanceArns...)
		}
		return got
	}
	for _, tc := range []struct {
		filter string
		want   []string
	}{
		{"", []string{"i-0", "i-1", "i-2", "i-3", "i-4"}},
		{"attribute:tier == gold", []string{"i-1"}},
		{"attribute:tier exists", []string{"i-1", "i-2"}},
		{"attribute:tier in [tin, lead]", []string{"i-2"}},
		{"ec2InstanceId == i-4", []string{"i-4"}},
		{"agentConnected == true", []string{"i-3"}},
		{"attribute:ecs.availability-zone == us-east-1b and not(attribute:tier exists)", []string{"i-0", "i-3", "i-4"}},
		{"runningTasksCount > 0", nil},
	} {
		var want []string
		for _, id := range tc.want {
			want = append(want, byID[id])
		}
		slices.Sort(want)
		got := list(&sdk.ListContainerInstancesInput{Filter: &tc.filter, MaxResults: new(int32(2))})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tc.filter, diff)
		}
	}
	if got := list(&sdk.ListContainerInstancesInput{Status: types.ContainerInstanceStatusDraining}); len(got) != 0 {
		t.Errorf("DRAINING are %v", got)
	}
	_, err := d.ListContainerInstances(t.Context(), &sdk.ListContainerInstancesInput{Filter: new("attribute:tier ==")})
	if err == nil || !strings.Contains(err.Error(), "InvalidParameterException") {
		t.Errorf("half an expression: %v", err)
	}
}

func TestDiscoverPollEndpoint(t *testing.T) {
	d := openDoor(t)
	out, err := d.DiscoverPollEndpoint(t.Context(), &sdk.DiscoverPollEndpointInput{})
	if err != nil || *out.Endpoint != d.url+"/acs" || *out.TelemetryEndpoint != d.url+"/tcs" {
		t.Errorf("discovered %+v, %v", out, err)
	}
}

func TestRegistrationIsBounded(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	if _, err := d.CreateCluster(t.Context(), &sdk.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	text := func(n int) *string { return new(strings.Repeat("x", n)) }
	for name, tt := range map[string]struct {
		change func(in *sdk.RegisterContainerInstanceInput)
		want   string // "": taken
	}{
		"at the bounds": {func(in *sdk.RegisterContainerInstanceInput) {
			in.Attributes = append(in.Attributes, types.Attribute{Name: text(128), Value: text(128)})
			in.VersionInfo = &types.VersionInfo{AgentVersion: text(128), AgentHash: text(128), DockerVersion: text(128)}
		}, ""},
		"name of an attribute": {func(in *sdk.RegisterContainerInstanceInput) {
			in.Attributes = append(in.Attributes, types.Attribute{Name: text(129)})
		}, "Invalid attribute name: " + *text(128)},
		"value of an attribute": {func(in *sdk.RegisterContainerInstanceInput) {
			in.Attributes = append(in.Attributes, types.Attribute{Name: new("a"), Value: text(5000)})
		}, "Invalid attribute value: " + *text(128)},
		"number of attributes": {func(in *sdk.RegisterContainerInstanceInput) {
			in.Attributes = slices.Repeat(in.Attributes, 200)
		}, "Attributes cannot have more than 500 elements."},
		"version": {func(in *sdk.RegisterContainerInstanceInput) {
			in.VersionInfo = &types.VersionInfo{DockerVersion: text(129)}
		}, "Version information should have at most 128 characters."},
		"identity document": {func(in *sdk.RegisterContainerInstanceInput) {
			in.InstanceIdentityDocument = text(16<<10 + 1)
		}, "instanceIdentityDocument should have at most 16384 characters."},
		"reserved ports": {func(in *sdk.RegisterContainerInstanceInput) {
			for i := range 99 {
				in.TotalResources[2].StringSetValue = append(in.TotalResources[2].StringSetValue, fmt.Sprint(1000+i))
			}
		}, "A container instance can have at most 100 reserved ports."},
	} {
		in := registration("i-0123456789abcdef0", "")
		tt.change(in)
		_, err := d.RegisterContainerInstance(t.Context(), in)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		t.Run(name, func(t *testing.T) { wantError(t, err, "InvalidParameterException", tt.want) })
	}
	body := `{"clientToken":"` + *text(65) + `"}`
	if status, answer := d.post(t, "RegisterContainerInstance", []byte(body)); status != http.StatusBadRequest || !strings.Contains(string(answer), "InvalidParameterException") {
		t.Errorf("token: %d %s", status, answer)
	}
}
