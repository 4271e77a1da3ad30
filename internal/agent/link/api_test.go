package link

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
)

func TestRegister(t *testing.T) {
	sent := Registration{
		ContainerInstanceARN: instanceARN, CPU: 2048, Memory: 4000, ReservedPorts: []int32{22}, ReservedUDPPorts: []int32{},
		Attributes: []Attribute{{"ecs.os-type", "linux"}, {"ecs.capability.full-sync", ""}, {"ecs.availability-zone", "us-east-1a"}},
		Tags:       map[string]string{"k": "v"}, IdentityDocument: `{"instanceId":"i-1"}`,
	}
	kept := func(attributes ...map[string]string) (int, any) {
		return 200, map[string]any{"containerInstance": map[string]any{"containerInstanceArn": instanceARN, "attributes": attributes}}
	}
	osType, sync, zone := map[string]string{"name": "ecs.os-type", "value": "linux"}, map[string]string{"name": "ecs.capability.full-sync"}, map[string]string{"name": "ecs.availability-zone", "value": "us-east-1b"}
	failure := func(code, message string) func([]byte) (int, any) {
		return func([]byte) (int, any) { return 400, map[string]string{"__type": code, "message": message} }
	}
	cases := map[string]struct {
		answer   func([]byte) (int, any)
		ok       bool
		terminal bool
	}{
		"echoed":             {func([]byte) (int, any) { return kept(osType, sync, zone) }, true, false},
		"attribute lost":     {func([]byte) (int, any) { return kept(osType, zone) }, false, true},
		"attribute changed":  {func([]byte) (int, any) { return kept(map[string]string{"name": "ecs.os-type"}, sync, zone) }, false, true},
		"client error":       {failure("ClientException", "no such instance"), false, true},
		"invalid":            {failure("com.amazonaws.ecs#InvalidParameterException", "no"), false, true},
		"other type":         {failure("ServerException", "Container instance type changes are not supported."), false, true},
		"throttled":          {failure("ThrottlingException", "Rate exceeded"), false, false},
		"answer of no shape": {func([]byte) (int, any) { return 200, map[string]string{} }, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.answer["RegisterContainerInstance"] = c.answer
			arn, _, err := b.client().Register(t.Context(), sent)
			if (err == nil) != c.ok || errors.Is(err, ErrTerminal) != c.terminal || c.ok && arn != instanceARN {
				t.Errorf("got %q, %v", arn, err)
			}
			want := `{"attributes":[{"name":"ecs.os-type","value":"linux"},{"name":"ecs.capability.full-sync"},{"name":"ecs.availability-zone","value":"us-east-1a"}],` +
				`"cluster":"default","containerInstanceArn":"` + instanceARN + `","instanceIdentityDocument":"{\"instanceId\":\"i-1\"}","instanceIdentityDocumentSignature":"",` +
				`"tags":[{"key":"k","value":"v"}],"totalResources":[{"integerValue":2048,"name":"CPU","type":"INTEGER"},{"integerValue":4000,"name":"MEMORY","type":"INTEGER"},` +
				`{"name":"PORTS","stringSetValue":["22"],"type":"STRINGSET"},{"name":"PORTS_UDP","stringSetValue":[],"type":"STRINGSET"}],` +
				`"versionInfo":{"agentHash":"slipway","agentVersion":"1.105.1","dockerVersion":"containerd 1.6.20"}}`
			if diff := cmp.Diff(want, b.calls[0].body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSubmit compares with bodies that an ECS agent was seen to send.
func TestSubmit(t *testing.T) {
	at := func(s float64) time.Time { return time.UnixMilli(int64(s * 1000)) }
	cases := map[string]struct {
		report engine.Report
		want   string
	}{
		"PENDING": {
			engine.Report{TaskARN: taskARN, Status: "PENDING", Containers: []engine.ContainerChange{{Name: "p", ImageDigest: "sha256:6914", Status: "PENDING"}}},
			`{"cluster":"default","containers":[{"containerName":"p","imageDigest":"sha256:6914","status":"PENDING"}],"reason":"","status":"PENDING","task":"` + taskARN + `"}`,
		},
		"RUNNING": {
			engine.Report{TaskARN: taskARN, Status: "RUNNING", PullStartedAt: at(1795320753.642), PullStoppedAt: at(1795320753.718),
				Containers: []engine.ContainerChange{{Name: "p", ImageDigest: "sha256:6914", RuntimeID: "5777", Status: "RUNNING", Bindings: []engine.Binding{
					{BindIP: "0.0.0.0", ContainerPort: 53, HostPort: 15353, Protocol: "udp"},
					{BindIP: "0.0.0.0", ContainerPortRange: "9000-9002", HostPortRange: "32769-32771", Protocol: "tcp"}}}}},
			`{"cluster":"default","containers":[{"containerName":"p","imageDigest":"sha256:6914","networkBindings":[{"bindIP":"0.0.0.0","containerPort":53,"hostPort":15353,"protocol":"udp"},` +
				`{"bindIP":"0.0.0.0","containerPortRange":"9000-9002","hostPortRange":"32769-32771","protocol":"tcp"}],"runtimeId":"5777","status":"RUNNING"}],` +
				`"pullStartedAt":1795320753.642,"pullStoppedAt":1795320753.718,"reason":"","status":"RUNNING","task":"` + taskARN + `"}`,
		},
		"STOPPED": {
			engine.Report{TaskARN: taskARN, Status: "STOPPED", ExecutionStoppedAt: at(1795320012.552),
				Containers: []engine.ContainerChange{{Name: "p", ExitCode: new(3), RuntimeID: "5777", Status: "STOPPED", Reason: "why"}}},
			`{"cluster":"default","containers":[{"containerName":"p","exitCode":3,"reason":"why","runtimeId":"5777","status":"STOPPED"}],"executionStoppedAt":1795320012.552,"reason":"","status":"STOPPED","task":"` + taskARN + `"}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.answer["SubmitTaskStateChange"] = func([]byte) (int, any) { return 200, map[string]string{"acknowledgment": "ok"} }
			if err := b.client().Submit(t.Context(), c.report); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.calls[0].body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSubmitRefused(t *testing.T) {
	for code, refused := range map[string]bool{"InvalidParameterException": true, "ClientException": false, "AccessDeniedException": false} {
		b := newBackend(t)
		b.answer["SubmitTaskStateChange"] = func([]byte) (int, any) { return 400, map[string]string{"__type": code} }
		err := b.client().Submit(t.Context(), engine.Report{TaskARN: taskARN})
		if err == nil || errors.Is(err, engine.ErrRefused) != refused {
			t.Errorf("%s: got %v", code, err)
		}
	}
}

func TestECRToken(t *testing.T) {
	b := newBackend(t)
	expires := time.Now().Add(12 * time.Hour)
	b.answer["GetAuthorizationToken"] = func([]byte) (int, any) {
		return 200, map[string]any{"authorizationData": []any{map[string]any{
			"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:pass:word")),
			"expiresAt":          float64(expires.Unix()), "proxyEndpoint": "http://10.0.0.2:5000",
		}}}
	}
	r := NewRegistries(b.client(), nil, nil)
	how := &agentproto.RegistryAuthentication{Type: "ecr", ECRAuthData: &agentproto.ECRAuthData{RegistryID: "123456789012"}}
	want := engine.RegistryAuth{User: "AWS", Password: "pass:word", Endpoint: "http://10.0.0.2:5000"}
	for range 3 {
		got, err := r.Auth(t.Context(), "123456789012.dkr.ecr.us-east-1.amazonaws.com/web", how, nil)
		if err != nil || got != want {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if diff := cmp.Diff([]call{{"GetAuthorizationToken", `{"registryIds":["123456789012"]}`}}, b.calls, cmp.AllowUnexported(call{})); diff != "" {
		t.Error("the token was not kept:", diff)
	}
	expires = time.Now().Add(time.Minute) // too short to be used again
	how.ECRAuthData.RegistryID = ""
	for range 2 {
		if _, err := r.Auth(t.Context(), "x.dkr.ecr.us-east-1.amazonaws.com/web", how, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.calls) != 3 {
		t.Errorf("%d calls, want one more for each use of a token that is about to end", len(b.calls))
	}
}
