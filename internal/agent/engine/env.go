package engine

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
)

// agentAddress is where every container reaches its agent (agent-protocol: AWS's
// link-local address).
const agentAddress = "http://169.254.170.2"

const credentialsPath = "/v2/credentials/"

// environment is what container i finds: what its definition says, and what the
// ECS agent adds. Nobody's region or endpoint is overruled.
func environment(rec Record, i int, cfg Config, taken *settings, network string) []string {
	c, known := rec.Task.Containers[i], rec.Containers[i]
	env := taken.variables(c)
	has := func(name string) bool { _, ok := env[name]; return ok }
	if cfg.Region != "" && !has("AWS_REGION") && !has("AWS_DEFAULT_REGION") {
		env["AWS_REGION"], env["AWS_DEFAULT_REGION"] = cfg.Region, cfg.Region
	}
	if endpoint := reachable(cfg.Endpoint, network); endpoint != "" && !has("AWS_ENDPOINT_URL") {
		env["AWS_ENDPOINT_URL"] = endpoint
	}
	env["ECS_CONTAINER_METADATA_URI"] = agentAddress + "/v3/" + known.EndpointID
	env["ECS_CONTAINER_METADATA_URI_V4"] = agentAddress + "/v4/" + known.EndpointID
	env["ECS_AGENT_URI"] = agentAddress + "/api/" + known.EndpointID
	if rec.TaskCredentialsID != "" {
		env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = credentialsPath + rec.TaskCredentialsID
	}
	out := make([]string, 0, len(env))
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}

// reachable is the endpoint, for a container that can reach it. An SDK in a
// container would ask AWS itself unless it is told of the control plane's own
// endpoint; AWS_ENDPOINT_URL is what all SDKs read. With AWS as the control plane
// nothing need be said, and an address of the machine's loopback means something
// else in a network of one's own.
func reachable(endpoint, network string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || ofAWS(u.Hostname()) || network == "none" {
		return ""
	}
	if network != "host" && loopback(u.Hostname()) {
		return ""
	}
	return endpoint
}

func ofAWS(host string) bool {
	return slices.ContainsFunc([]string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"}, func(suffix string) bool {
		return strings.HasSuffix(host, suffix)
	})
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// logType is the log driver's name; Docker's default is json-file.
func logType(log agentproto.LogConfig) string { return cmp.Or(log.Type, "json-file") }
