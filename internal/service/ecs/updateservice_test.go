package ecs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

func TestUpdateServiceStartsDeployments(t *testing.T) {
	tests := []struct {
		name  string
		req   UpdateServiceRequest
		start bool
	}{
		{"another task definition", UpdateServiceRequest{TaskDefinition: new("web:2")}, true},
		{"the family, whose newest revision is another", UpdateServiceRequest{TaskDefinition: new("web")}, true},
		{"forceNewDeployment", UpdateServiceRequest{ForceNewDeployment: true}, true},
		{"the same task definition", UpdateServiceRequest{TaskDefinition: new("web:1")}, false},
		{"the desired count", UpdateServiceRequest{DesiredCount: new(int32(5))}, false},
		{"the deployment configuration", UpdateServiceRequest{DeploymentConfiguration: &ecsshape.DeploymentConfiguration{MaximumPercent: new(int32(150))}}, false},
		{"the grace period", UpdateServiceRequest{HealthCheckGracePeriod: new(int32(60))}, false},
		{"rebalancing", UpdateServiceRequest{AvailabilityZoneRebalance: new("DISABLED")}, false},
		{"execute command", UpdateServiceRequest{EnableExecuteCommand: new(true)}, false},
		{"tag propagation", UpdateServiceRequest{PropagateTags: new("SERVICE")}, false},
		{"placement of replicas", UpdateServiceRequest{PlacementConstraints: []ecsshape.PlacementConstraint{{Type: new("distinctInstance")}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newServiceRoom(t)
			r.createService(replicas(2))
			tt.req.Service = "web"
			v, err := r.UpdateService(t.Context(), r.s, tt.req)
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if tt.start {
				want = 2
			}
			if len(v.Deployments) != want {
				t.Fatalf("%d deployments, want %d", len(v.Deployments), want)
			}
			if v.Deployments[0].Status != DeploymentPrimary || v.Newest.ID != v.Deployments[0].ID {
				t.Errorf("first is %s of %s, newest %s", v.Deployments[0].Status, v.Deployments[0].ID, v.Newest.ID)
			}
			if tt.start && (v.Deployments[1].Status != DeploymentActive || v.Deployments[1].State != StateStopped) {
				t.Errorf("the one before is %s, %s", v.Deployments[1].Status, v.Deployments[1].State)
			}
		})
	}
}

func TestUpdateServiceRefusals(t *testing.T) {
	r := newServiceRoom(t)
	r.createService(replicas(1))
	r.createService(CreateServiceRequest{Name: "d", TaskDefinition: "web", SchedulingStrategy: SchedulingDaemon})
	r.createService(CreateServiceRequest{Name: "gone", TaskDefinition: "web", DesiredCount: new(int32(0))})
	if _, err := r.DeleteService(t.Context(), r.s, "", "gone", false); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		req  UpdateServiceRequest
		want string
	}{
		{"unknown", UpdateServiceRequest{Service: "x"}, "ServiceNotFoundException: Service not found."},
		{"draining", UpdateServiceRequest{Service: "gone"}, "ServiceNotActiveException: Service was not ACTIVE."},
		{"count of a daemon", UpdateServiceRequest{Service: "d", DesiredCount: new(int32(1))}, "InvalidParameterException: The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again"},
		{"negative count", UpdateServiceRequest{Service: "web", DesiredCount: new(int32(-1))}, "InvalidParameterException: DesiredCount can not be lesser than 0"},
		{"unknown definition", UpdateServiceRequest{Service: "web", TaskDefinition: new("x")}, "ClientException: TaskDefinition not found."},
		{"another account's name", UpdateServiceRequest{Service: "arn:aws:ecs:eu-west-3:999999999999:service/default/web"}, "ServiceNotFoundException: Service not found."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := r.UpdateService(t.Context(), r.s, tt.req); answer(err) != tt.want {
				t.Errorf("answer %q, want %q", answer(err), tt.want)
			}
		})
	}
}

func TestUpdateServiceEndsTheThrottle(t *testing.T) {
	r := newServiceRoom(t)
	s := *r.createService(replicas(1)).Service
	s.Throttle = &StartThrottle{Failures: 9, Until: time.Now().Add(time.Hour)}
	r.put(func(tx *store.Tx) { Services.Put(tx, &s) })
	v, err := r.UpdateService(t.Context(), r.s, UpdateServiceRequest{Service: "web", DesiredCount: new(int32(2))})
	if err != nil || v.Service.Throttle != nil {
		t.Errorf("throttle %+v, error %v", v.Service.Throttle, err)
	}
}

func TestDeleteService(t *testing.T) {
	r := newServiceRoom(t)
	r.createService(replicas(1))
	for _, tt := range []struct{ name, service, want string }{
		{"scaled above zero", "web", "InvalidParameterException: The service cannot be stopped while it is scaled above 0."},
		{"unknown", "x", "ServiceNotFoundException: Service not found."},
	} {
		if _, err := r.DeleteService(t.Context(), r.s, "", tt.service, false); answer(err) != tt.want {
			t.Errorf("%s: answer %q, want %q", tt.name, answer(err), tt.want)
		}
	}
	for _, req := range []UpdateServiceRequest{{DesiredCount: new(int32(0))}, {ForceNewDeployment: true}} {
		req.Service = "web"
		if _, err := r.UpdateService(t.Context(), r.s, req); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.DeleteService(t.Context(), r.s, "", "web", false)
	if got := answer(err); got != "InvalidParameterException: The service cannot be stopped while deployments are active." {
		t.Errorf("while deployments are active: %q", got)
	}
	for range 2 { // deleting again answers the same
		v, err := r.DeleteService(t.Context(), r.s, "", "web", true)
		if err != nil || v.Service.Status != StatusDraining || v.Service.DesiredCount != 0 {
			t.Fatalf("deleted: %+v, %v", v, err)
		}
	}
	r.endService("web")
	views, missing, err := r.DescribeServices(r.s, "", []string{"web", "never"})
	if err != nil || len(views) != 1 || views[0].Service.Status != StatusInactive || len(views[0].Deployments) != 0 {
		t.Errorf("describe: %v, %v", views, err)
	}
	if want := []string{r.s.ARN("service/default/never")}; !slices.Equal(missing, want) {
		t.Errorf("missing %v, want %v", missing, want)
	}
	if _, err := r.DeleteService(t.Context(), r.s, "", "web", true); answer(err) != "ServiceNotFoundException: Service not found." {
		t.Errorf("deleting what is INACTIVE: %q", answer(err))
	}
}

func TestListServicesPages(t *testing.T) {
	r := newServiceRoom(t)
	for i := range 23 {
		req := replicas(0)
		req.Name = "s" + string(rune('a'+i))
		r.createService(req)
	}
	var all []string
	var sizes []int
	for token := ""; ; {
		arns, next, err := r.ListServices(r.s, ListServicesFilter{NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		all, sizes = append(all, arns...), append(sizes, len(arns))
		if token = next; token == "" {
			break
		}
	}
	if !slices.Equal(sizes, []int{10, 10, 3}) || !slices.IsSorted(all) || len(slices.Compact(all)) != 23 {
		t.Errorf("pages of %v", sizes)
	}
	if arns, _, _ := r.ListServices(r.s, ListServicesFilter{SchedulingStrategy: SchedulingDaemon}); len(arns) != 0 {
		t.Errorf("daemons: %v", arns)
	}
	for _, f := range []ListServicesFilter{{NextToken: "x"}, {MaxResults: new(int32(0))}, {MaxResults: new(int32(101))}} {
		if _, _, err := r.ListServices(r.s, f); !strings.HasPrefix(answer(err), "InvalidParameterException") {
			t.Errorf("%+v: answer %q", f, answer(err))
		}
	}
}

func TestServiceDeploymentsAreKept(t *testing.T) {
	r := newServiceRoom(t)
	r.createService(replicas(1))
	for range 3 {
		if _, err := r.UpdateService(t.Context(), r.s, UpdateServiceRequest{Service: "web", ForceNewDeployment: true}); err != nil {
			t.Fatal(err)
		}
	}
	var seqs []int64
	for token := ""; ; {
		list, next, err := r.ListServiceDeployments(r.s, ListServiceDeploymentsFilter{Service: "web", MaxResults: new(int32(3)), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			seqs = append(seqs, d.Seq)
		}
		if token = next; token == "" {
			break
		}
	}
	if !slices.Equal(seqs, []int64{4, 3, 2, 1}) {
		t.Errorf("order %v, want the newest first", seqs)
	}
	running, _, err := r.ListServiceDeployments(r.s, ListServiceDeploymentsFilter{Service: "web", Statuses: []string{StateInProgress}})
	if err != nil || len(running) != 1 || running[0].Seq != 4 {
		t.Fatalf("in progress: %v, %v", running, err)
	}
	arn := running[0].ARN()
	views, missing, err := r.DescribeServiceDeployments(r.s, []string{arn, "arn:aws:ecs:eu-west-3:123456789012:service-deployment/default/web/nope"})
	if err != nil || len(views) != 1 || len(missing) != 1 {
		t.Fatalf("describe: %v, %v, %v", views, missing, err)
	}
	if v := views[0]; v.Breaker != (BreakerView{Status: "DISABLED", Threshold: 3}) || v.Target.Requested != 1 || len(v.Sources) != 3 {
		t.Errorf("described as %+v of %d sources", v.Breaker, len(v.Sources))
	}
	revisions, _, err := r.DescribeServiceRevisions(r.s, []string{views[0].Target.ARN})
	if err != nil || len(revisions) != 1 || len(revisions[0].Images) != 1 || revisions[0].Images[0].Image != "registry.test/app:1" {
		t.Errorf("revision: %+v, %v", revisions, err)
	}
	if err := r.StopServiceDeployment(t.Context(), r.s, arn, ""); err != nil {
		t.Fatal(err)
	}
	err = r.StopServiceDeployment(t.Context(), r.s, arn, "")
	if !strings.HasPrefix(answer(err), "ConflictException: ") {
		t.Errorf("stopping twice: %q", answer(err))
	}
	err = r.StopServiceDeployment(t.Context(), r.s, arn+"x", "")
	if answer(err) != "ServiceDeploymentNotFoundException: Service deployment not found." {
		t.Errorf("stopping nothing: %q", answer(err))
	}
}

func TestDeploymentIDs(t *testing.T) {
	for range 1000 {
		if id := newDeploymentID(); len(id) != len("ecs-svc/")+19 {
			t.Fatalf("id %q", id)
		}
		if id := newLongID(); len(id) != 21 {
			t.Fatalf("long id %q", id)
		}
	}
}

func TestBreakerThreshold(t *testing.T) {
	for desired, want := range map[int]int{0: 3, 1: 3, 6: 3, 7: 4, 25: 13, 400: 200, 800: 200} {
		if got := BreakerThreshold(desired); got != want {
			t.Errorf("desired %d: %d, want %d", desired, got, want)
		}
	}
}

func TestServiceEventsAreBounded(t *testing.T) {
	r := newServiceRoom(t)
	s := r.createService(replicas(0)).Service
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 30 {
		r.put(func(tx *store.Tx) {
			AppendServiceEvents(tx, s, now, []string{"a" + string(rune('0'+i%10)), "b", "c", "last"}) // all at one time
		})
	}
	events := RecentServiceEvents(r.st.Snapshot(), s)
	if len(events) != 100 || events[0].Message != "last" || events[3].Message != "a9" {
		t.Errorf("%d events, the newest %q", len(events), events[0].Message)
	}
}

func TestServicesExpire(t *testing.T) {
	r := newServiceRoom(t)
	r.createService(replicas(0))
	live := replicas(0)
	live.Name = "live"
	r.createService(live)
	if _, err := r.DeleteService(t.Context(), r.s, "", "web", true); err != nil {
		t.Fatal(err)
	}
	r.endService("web")
	keep := Keep{Services: time.Minute, Deployments: time.Hour, Clusters: time.Minute}
	expire := func(after time.Duration) {
		t.Helper()
		if _, err := r.ExpireServices(t.Context(), time.Now().Add(after), keep); err != nil {
			t.Fatal(err)
		}
	}
	expire(59 * time.Minute) // an hour at least
	if views, _, _ := r.DescribeServices(r.s, "", []string{"web"}); len(views) != 1 {
		t.Fatal("it is gone within the hour")
	}
	expire(2 * time.Hour)
	views, missing, _ := r.DescribeServices(r.s, "", []string{"web", "live"})
	if len(views) != 1 || len(missing) != 1 || len(views[0].Deployments) != 1 {
		t.Errorf("left: %d, missing %v", len(views), missing)
	}
	for d := range Deployments.List(r.st.Snapshot(), r.s.Prefix("default", "web")) {
		t.Errorf("deployment %s is left", d.ID)
	}
	if views[0].Deployments[0].Runs == nil {
		t.Error("the revision of a live deployment is gone")
	}
}
