package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/stats"
	"github.com/slipway/slipway/internal/agentproto"
)

var update = flag.Bool("update", false, "write the golden files")

// golden holds text against testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

const (
	taskARN     = "arn:aws:ecs:us-east-1:123456789012:task/default/1f"
	vpcTaskARN  = "arn:aws:ecs:us-east-1:123456789012:task/default/2f"
	instanceARN = "arn:aws:ecs:us-east-1:123456789012:container-instance/default/0a"

	webID   = "5b3f0a52-4f0e-4b1c-9f5f-0d6b1c8e7a11" // of the metadata of container web
	sideID  = "5b3f0a52-4f0e-4b1c-9f5f-0d6b1c8e7a12"
	vpcID   = "5b3f0a52-4f0e-4b1c-9f5f-0d6b1c8e7a13"
	keysID  = "c0ffee00-0000-4000-8000-000000000001"
	lostID  = "c0ffee00-0000-4000-8000-000000000002"
	execID  = "c0ffee00-0000-4000-8000-000000000003"
	unknown = "5b3f0a52-4f0e-4b1c-9f5f-0d6b1c8e7aff"
)

var (
	at     = time.Date(2026, 11, 22, 3, 55, 45, 0, time.UTC)
	docker = strings.Repeat("0123456789abcdef", 4) // container web
	sister = strings.Repeat("0123456789abcdff", 4) // container side
	vpc    = strings.Repeat("fedcba9876543210", 4)
)

// bridged is a task in bridge mode: web runs, side has ended, later is to come.
func bridged() engine.View {
	web := engine.ContainerView{
		Name: "ecs-demo-3-web-0123", Mode: "bridge", Checked: true, LogDriver: "awslogs", LogOptions: map[string]string{"awslogs-group": "g"},
		Labels: map[string]string{"com.amazonaws.ecs.cluster": "default"},
		ContainerRecord: engine.ContainerRecord{
			ID: docker, EndpointID: webID, Status: lifecycle.Running, Image: engine.Image{Digest: "sha256:12"}, CreatedAt: at, StartedAt: at.Add(time.Second), Restarts: 2,
			Network: &engine.Attachment{IP: netip.MustParseAddr("172.17.0.2"), Bindings: []engine.Binding{{ContainerPort: 80, HostPort: 32768, Protocol: "tcp", BindIP: "0.0.0.0"}}},
			Mounts:  []engine.Mount{{Source: "/var/lib/ecs/data/volumes/data", Target: "/data"}, {Source: "/srv", Target: "/srv"}},
			Health:  engine.HealthStatus{Verdict: lifecycle.Unhealthy, Since: at.Add(time.Minute), ExitCode: 7, Output: "no"},
		},
	}
	side := engine.ContainerView{
		Name: "ecs-demo-3-side-0123", Mode: "bridge",
		ContainerRecord: engine.ContainerRecord{
			ID: sister, EndpointID: sideID, Status: lifecycle.Stopped, CreatedAt: at, StartedAt: at, ExitedAt: at.Add(time.Hour), ExitCode: new(3),
		},
	}
	later := engine.ContainerView{Name: "ecs-demo-3-later-0123", ContainerRecord: engine.ContainerRecord{
		ID: strings.Repeat("9", 64), EndpointID: strings.Repeat("9", 36), Status: lifecycle.Pulled, Image: engine.Image{Digest: "sha256:34"},
	}}
	return engine.View{
		Task: agentproto.Task{
			ARN: taskARN, Family: "demo", Version: "3", CPU: 0.5, Memory: 512, LaunchType: "EC2", ServiceName: "web", Group: "service:web",
			Containers: []agentproto.Container{
				{
					Name: "web", Image: "web:1", CPU: 128, Memory: 256, ContainerARN: "arn:web", RestartPolicy: &agentproto.RestartPolicy{Enabled: true},
					MountPoints: []agentproto.MountPoint{{SourceVolume: "data", ContainerPath: "/data"}, {SourceVolume: "host", ContainerPath: "/srv"}},
				},
				{Name: "side", Image: "side:1"},
				{Name: "later", Image: "later:1", ContainerARN: "arn:later"},
			},
			Volumes: []agentproto.Volume{{Name: "data", Host: &agentproto.HostVolume{}}, {Name: "host", Host: &agentproto.HostVolume{SourcePath: "/srv"}}},
		},
		Desired: "RUNNING", Known: lifecycle.Pulled, Containers: []engine.ContainerView{web, side, later},
	}
}

// ownNetwork is a task in awsvpc mode.
func ownNetwork() engine.View {
	return engine.View{
		Task: agentproto.Task{
			ARN: vpcTaskARN, Family: "vpc", Version: "1", NetworkMode: "awsvpc",
			Containers: []agentproto.Container{{Name: "app", Image: "app:1", ContainerARN: "arn:app"}},
			ElasticNetworkInterfaces: []agentproto.NetworkInterface{{
				EC2ID: "eni-1", MACAddress: "02:00:00:00:00:01", IPv4Addresses: []agentproto.IPv4Address{{PrivateAddress: "10.0.1.7", Primary: true}},
				SubnetGatewayIPv4Address: "10.0.1.1/24", DomainNameServers: []string{"10.0.0.2"}, DomainName: []string{"ec2.internal"}, PrivateDNSName: "ip-10-0-1-7.ec2.internal",
			}},
		},
		Desired: "RUNNING", Known: lifecycle.Running,
		Containers: []engine.ContainerView{{Name: "ecs-vpc-1-app-0123", Mode: "awsvpc", Checked: true, ContainerRecord: engine.ContainerRecord{
			ID: vpc, EndpointID: vpcID, Status: lifecycle.Running, CreatedAt: at, StartedAt: at,
			Network: &engine.Attachment{Bindings: []engine.Binding{{ContainerPort: 80, HostPort: 80, Protocol: "tcp"}}},
		}}},
	}
}

func keys(id, role string) agentproto.RoleCredentials {
	return agentproto.RoleCredentials{
		CredentialsID: id, RoleARN: "arn:aws:iam::123456789012:role/" + role, AccessKeyID: "ASIA" + role, SecretAccessKey: "secret-" + role,
		SessionToken: "token-" + role, Expiration: time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339),
	}
}

// configOf knows both tasks; the first has a role.
func configOf() Config {
	held := map[string]agentproto.RoleCredentials{keysID: keys(keysID, "app"), execID: keys(execID, "execution")}
	return Config{
		Cluster: "default", ContainerInstanceARN: instanceARN, AvailabilityZone: "us-east-1a", AvailabilityZoneID: "use1-az1", VPCID: "vpc-1",
		Tasks: func() []engine.View { return []engine.View{bridged(), ownNetwork()} },
		Times: func(string) Times { return Times{PullStartedAt: at, PullStoppedAt: at.Add(time.Second)} },
		Stats: func(id string) (*stats.Docker, bool) {
			if id != docker {
				return nil, false
			}
			return &stats.Docker{Read: at, Name: "/ecs-demo-3-web-0123", ID: id, NetworkRate: &stats.NetworkRate{RxBytesPerSec: 12.5}}, true
		},
		Credentials: func(id string) (agentproto.RoleCredentials, bool) { c, ok := held[id]; return c, ok },
		Pending:     func(id string) bool { return id == lostID },
		TaskRole:    func(arn string) (agentproto.RoleCredentials, bool) { return held[keysID], arn == taskARN },
		Tags: func(_ context.Context, arn string) (map[string]string, error) {
			if arn == instanceARN {
				return map[string]string{"rack": "7"}, nil
			}
			return map[string]string{"team": "blue"}, nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

type request struct {
	method, path, from, body string
}

// ask returns status, content type and body, JSON indented.
func ask(t *testing.T, h http.Handler, q request) string {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(t.Context(), q.method, q.path, strings.NewReader(q.body))
	r.RemoteAddr = "172.17.0.2:40000"
	if q.from != "" {
		r.RemoteAddr = q.from + ":40000"
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body := w.Body.Bytes()
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	return fmt.Sprintf("%d %s\n%s\n", w.Code, w.Header().Get("Content-Type"), body)
}
