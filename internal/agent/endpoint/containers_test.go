package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/stats"
	"github.com/slipway/slipway/internal/agentproto"
)

// TestShapes holds every answer against a golden file.
func TestShapes(t *testing.T) {
	h := Containers(configOf())
	const eni = "10.0.1.7"
	for name, q := range map[string]request{
		"v2-task":                   {path: "/v2/metadata", from: eni},
		"v2-task-slash":             {path: "/v2/metadata/", from: eni},
		"v2-task-tags":              {path: "/v2/metadataWithTags", from: eni},
		"v2-container":              {path: "/v2/metadata/" + vpc, from: eni},
		"v2-other-container":        {path: "/v2/metadata/" + docker, from: eni},
		"v2-from-elsewhere":         {path: "/v2/metadata"},
		"v2-task-stats":             {path: "/v2/stats", from: eni},
		"v2-container-stats":        {path: "/v2/stats/" + vpc, from: eni},
		"v2-other-container-stats":  {path: "/v2/stats/" + docker, from: eni},
		"v2-stats-from-elsewhere":   {path: "/v2/stats/"},
		"v3-container":              {path: "/v3/" + webID},
		"v3-task":                   {path: "/v3/" + webID + "/task"},
		"v3-task-tags":              {path: "/v3/" + webID + "/taskWithTags"},
		"v3-stats":                  {path: "/v3/" + webID + "/stats"},
		"v3-stats-to-come":          {path: "/v3/" + vpcID + "/stats"},
		"v3-stats-of-stopped":       {path: "/v3/" + sideID + "/stats"},
		"v3-task-stats":             {path: "/v3/" + webID + "/task/stats"},
		"v3-associations":           {path: "/v3/" + webID + "/associations/elastic-inference"},
		"v3-association":            {path: "/v3/" + webID + "/associations/elastic-inference/a"},
		"v3-unknown-path":           {path: "/v3/" + webID + "/nothing"},
		"v3-unknown-id":             {path: "/v3/" + unknown},
		"v3-unknown-id-task":        {path: "/v3/" + unknown + "/task"},
		"v3-unknown-id-stats":       {path: "/v3/" + unknown + "/stats"},
		"v3-unknown-id-task-stats":  {path: "/v3/" + unknown + "/task/stats"},
		"v3-unknown-associations":   {path: "/v3/" + unknown + "/associations/x"},
		"v3-vpc-container":          {path: "/v3/" + vpcID},
		"v4-container":              {path: "/v4/" + webID},
		"v4-container-stopped":      {path: "/v4/" + sideID},
		"v4-container-vpc":          {path: "/v4/" + vpcID},
		"v4-task":                   {path: "/v4/" + webID + "/task"},
		"v4-task-vpc":               {path: "/v4/" + vpcID + "/task"},
		"v4-task-tags":              {path: "/v4/" + webID + "/taskWithTags"},
		"v4-tasks":                  {path: "/v4/" + webID + "/tasks"},
		"v4-tasks-stats":            {path: "/v4/" + webID + "/tasks/stats"},
		"v4-stats":                  {path: "/v4/" + webID + "/stats"},
		"v4-stats-to-come":          {path: "/v4/" + vpcID + "/stats"},
		"v4-stats-of-stopped":       {path: "/v4/" + sideID + "/stats"},
		"v4-task-stats":             {path: "/v4/" + webID + "/task/stats"},
		"v4-associations":           {path: "/v4/" + webID + "/associations/elastic-inference"},
		"v4-unknown-path":           {path: "/v4/" + webID + "/task/nothing"},
		"v4-unknown-id":             {path: "/v4/" + unknown},
		"v4-unknown-id-task":        {path: "/v4/" + unknown + "/task"},
		"v4-unknown-id-stats":       {path: "/v4/" + unknown + "/stats"},
		"v4-unknown-id-task-stats":  {path: "/v4/" + unknown + "/task/stats"},
		"v4-unknown-associations":   {path: "/v4/" + unknown + "/associations/x/y"},
		"unknown-version":           {path: "/v5/" + webID},
		"credentials-no-id":         {path: "/v2/credentials"},
		"credentials-no-id-slash":   {path: "/v2/credentials/"},
		"credentials-unknown":       {path: "/v2/credentials/" + unknown},
		"credentials-to-come":       {path: "/v2/credentials/" + lostID},
		"credentials-v1-no-id":      {path: "/v1/credentials"},
		"credentials-v1-unknown":    {path: "/v1/credentials?id=" + unknown},
		"fault-start":               {method: "POST", path: "/api/" + webID + "/fault/v1/network-latency/start", body: "{}"},
		"fault-unknown-id":          {method: "POST", path: "/api/" + unknown + "/fault/v1/network-latency/status"},
		"fault-unknown-kind":        {method: "POST", path: "/api/" + webID + "/fault/v1/network-fire/start"},
		"fault-by-get":              {path: "/api/" + webID + "/fault/v1/network-latency/status"},
		"protection-unknown-id":     {path: "/api/" + unknown + "/task-protection/v1/state"},
		"protection-no-role":        {path: "/api/" + vpcID + "/task-protection/v1/state"},
		"protection-bad-body":       {method: "PUT", path: "/api/" + webID + "/task-protection/v1/state", body: `{"Protection":true}`},
		"protection-no-flag":        {method: "PUT", path: "/api/" + webID + "/task-protection/v1/state", body: `{"ExpiresInMinutes":5}`},
		"protection-deleted":        {method: "DELETE", path: "/api/" + webID + "/task-protection/v1/state"},
		"protection-body-too-large": {method: "PUT", path: "/api/" + webID + "/task-protection/v1/state", body: `"` + strings.Repeat("x", maxBody) + `"`},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", ask(t, h, q)) })
	}
}

func TestTagsThatAreRefused(t *testing.T) {
	cfg := configOf()
	cfg.Tags = func(_ context.Context, arn string) (map[string]string, error) {
		if arn == instanceARN {
			return nil, errors.New("dial: nobody there")
		}
		return nil, fmt.Errorf("call: %w", &Refusal{Status: 400, Code: "AccessDeniedException", Message: "no", RequestID: "r-1"})
	}
	h := Containers(cfg)
	golden(t, "v4-tags-refused.txt", ask(t, h, request{path: "/v4/" + vpcID + "/taskWithTags"}))
	if got := ask(t, h, request{path: "/v3/" + vpcID + "/taskWithTags"}); strings.Contains(got, "Errors") {
		t.Errorf("version 3 knows errors: %s", got)
	}
}

func TestProtection(t *testing.T) {
	until := at.Add(time.Hour)
	protected := ProtectionAnswer{Protected: []ProtectedTask{{TaskARN: taskARN, ProtectionEnabled: true, ExpirationDate: &until}}}
	failed := ProtectionFailure{ARN: new(taskARN), Reason: new("TASK_NOT_VALID")}
	for name, c := range map[string]struct {
		method, body string
		want         ProtectionCall
		answer       ProtectionAnswer
		err          error
	}{
		"get":       {"GET", "", ProtectionCall{}, protected, nil},
		"get-off":   {"GET", "", ProtectionCall{}, ProtectionAnswer{Protected: []ProtectedTask{{TaskARN: taskARN}}}, nil},
		"put":       {"PUT", `{"ProtectionEnabled":true,"ExpiresInMinutes":60}`, ProtectionCall{Enabled: new(true), Minutes: new(int32(60))}, protected, nil},
		"put-plain": {"PUT", `{"ProtectionEnabled":true}`, ProtectionCall{Enabled: new(true)}, protected, nil},
		"failure":   {"PUT", `{"ProtectionEnabled":false}`, ProtectionCall{Enabled: new(false)}, ProtectionAnswer{Failures: []ProtectionFailure{failed}}, nil},
		"failures":  {"GET", "", ProtectionCall{}, ProtectionAnswer{Failures: []ProtectionFailure{failed, failed}}, nil},
		"nothing":   {"GET", "", ProtectionCall{}, ProtectionAnswer{}, nil},
		"refused":   {"GET", "", ProtectionCall{}, ProtectionAnswer{}, fmt.Errorf("call: %w", &Refusal{Status: 400, Code: "AccessDeniedException", Message: "not allowed", RequestID: "r-1"})},
		"late":      {"GET", "", ProtectionCall{}, ProtectionAnswer{}, fmt.Errorf("call: %w", context.DeadlineExceeded)},
		"broken":    {"GET", "", ProtectionCall{}, ProtectionAnswer{}, errors.New("dial: nobody there")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configOf()
			cfg.Protection = func(ctx context.Context, role agentproto.RoleCredentials, p ProtectionCall) (ProtectionAnswer, error) {
				if _, bounded := ctx.Deadline(); !bounded || role.AccessKeyID != "ASIAapp" || p.TaskARN != taskARN {
					t.Errorf("asked with %s about %s", role.AccessKeyID, p.TaskARN)
				}
				if !equal(p.Enabled, c.want.Enabled) || !equal(p.Minutes, c.want.Minutes) {
					t.Errorf("asked %+v", p)
				}
				return c.answer, c.err
			}
			golden(t, "protection-"+name+".txt", ask(t, Containers(cfg), request{method: c.method, path: "/api/" + webID + "/task-protection/v1/state", body: c.body}))
		})
	}
}

func equal[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// TestAnIDUnlocksItsOwnTaskOnly looks for anything of the other task in all that
// an id, and an address, can read.
func TestAnIDUnlocksItsOwnTaskOnly(t *testing.T) {
	h := Containers(configOf())
	for _, path := range []string{"", "/task", "/taskWithTags", "/stats", "/task/stats", "/tasks", "/tasks/stats"} {
		for _, version := range []string{"/v3/", "/v4/"} {
			if got := ask(t, h, request{path: version + webID + path}); strings.Contains(got, vpcTaskARN) || strings.Contains(got, vpc) {
				t.Errorf("%s%s: %s", version, path, got)
			}
		}
	}
	for _, id := range []string{"", webID[:len(webID)-1], webID + "0", strings.ToUpper(webID), docker} {
		if got := ask(t, h, request{path: "/v4/" + id}); !strings.HasPrefix(got, "404 ") {
			t.Errorf("id %q: %s", id, got)
		}
	}
}

// TestAnAddressThatAnotherTaskHadIsNotItsKey: addresses are given again.
func TestAnAddressThatAnotherTaskHadIsNotItsKey(t *testing.T) {
	cfg := configOf()
	old := ownNetwork()
	old.Task.ARN, old.Known = "arn:aws:ecs:us-east-1:123456789012:task/default/0f", lifecycle.Stopped
	cfg.Tasks = func() []engine.View { return []engine.View{old, ownNetwork()} }
	if got := ask(t, Containers(cfg), request{path: "/v2/metadata", from: "10.0.1.7"}); !strings.Contains(got, vpcTaskARN) {
		t.Error(got)
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Containers(configOf())
		status := func(from, path string) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.RemoteAddr = net.JoinHostPort(from, "1")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		for i := range 60 {
			if got := status("10.0.0.9", "/v4/x"); got != 404 {
				t.Fatalf("request %d: %d", i, got)
			}
		}
		if got := status("10.0.0.9", "/v4/x"); got != 429 {
			t.Errorf("after the burst: %d", got)
		}
		if got := status("10.0.0.8", "/v4/x"); got != 404 {
			t.Errorf("another client: %d", got)
		}
		<-time.After(time.Second)
		served := 0
		for range 60 {
			if status("10.0.0.9", "/v4/x") == 404 {
				served++
			}
		}
		if served != 40 {
			t.Errorf("%d in the next second", served)
		}
	})
}

func TestLimiterForgetsClients(t *testing.T) {
	l := newLimiter(40, 60)
	now := at
	for i := range 3 * sweepAt {
		now = now.Add(time.Second)
		if !l.allow(fmt.Sprint(i), "/", now) {
			t.Fatal("refused")
		}
	}
	if len(l.buckets) > sweepAt {
		t.Errorf("%d buckets", len(l.buckets))
	}
	for i := range 10 * pathBuckets {
		l.allow("one", fmt.Sprint(i), now)
	}
	if len(l.buckets) > sweepAt+pathBuckets {
		t.Errorf("%d buckets", len(l.buckets))
	}
}

// TestStatsAreNotSharedBetweenVersions: what one version leaves out stays for
// the next reader.
func TestStatsAreNotSharedBetweenVersions(t *testing.T) {
	cfg := configOf()
	cfg.Stats = func(string) (*stats.Docker, bool) { return &stats.Docker{NetworkRate: &stats.NetworkRate{}}, true }
	h := Containers(cfg)
	for path, want := range map[string]bool{"/v3/": false, "/v4/": true} {
		if got := strings.Contains(ask(t, h, request{path: path + webID + "/stats"}), "network_rate_stats"); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
