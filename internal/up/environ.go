package up

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// agentEnv is what this process's environment tells its agents. They share the
// EFS file systems below efs unless it says another place, and no proxy stands
// between them and the control plane at the gateway. What differs by instance is
// to be added behind: of two values the last one counts.
func agentEnv(environ []string, efs, gateway string) ([]string, error) {
	out := []string{"SLIPWAY_EFS_DIR=" + efs}
	for _, v := range passedOn(environ) {
		if name, dir, _ := strings.Cut(v, "="); slices.Contains(directories, name) {
			// An agent's working directory is not this process's.
			dir, err := filepath.Abs(dir)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			v = name + "=" + dir
		}
		out = append(out, v)
	}
	return append(out, proxies(environ, gateway)...), nil
}

// directories are the variables that name one.
var directories = []string{"SLIPWAY_S3_DIR", "SLIPWAY_EFS_DIR"}

// passedOn are the variables of this process's that mean something to the agents
// too: their own settings, what stands in for AWS's services, where S3 is, and
// where the certificates of registries are. SLIPWAY_DRAIN_ON_TERM is none of them:
// the instances do not go away for good when this process ends.
func passedOn(environ []string) []string {
	var out []string
	for _, v := range environ {
		switch name, value, _ := strings.Cut(v, "="); {
		case strings.HasPrefix(name, "ECS_"), name == "SSL_CERT_FILE", name == "SSL_CERT_DIR", name == "AWS_ENDPOINT_URL_S3",
			slices.Contains(directories, name) && value != "":
			out = append(out, v)
		}
	}
	return out
}

// proxies are the variables that say by which proxy to go out, but not to the
// gateway.
func proxies(environ []string, gateway string) []string {
	var out []string
	direct := map[string]string{}
	for _, v := range environ {
		switch name, value, _ := strings.Cut(v, "="); name {
		case "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy":
			out = append(out, v)
		case "NO_PROXY", "no_proxy":
			direct[name] = value
		}
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		out = append(out, name+"="+strings.TrimPrefix(direct[name]+","+gateway, ","))
	}
	return out
}
