package up

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestAgentEnv(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ environ, want []string }{
		"nothing of theirs": {
			[]string{"HOME=/root", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL=http://x", "AWS_PROFILE=p", "SLIPWAY_DRAIN_ON_TERM=1m"},
			[]string{"SLIPWAY_EFS_DIR=/home/efs", "NO_PROXY=10.0.0.1", "no_proxy=10.0.0.1"},
		},
		"settings": {
			[]string{"ECS_IMAGE_PULL_BEHAVIOR=once", "SSL_CERT_FILE=/c", "AWS_ENDPOINT_URL_S3=http://s3"},
			[]string{"SLIPWAY_EFS_DIR=/home/efs", "ECS_IMAGE_PULL_BEHAVIOR=once", "SSL_CERT_FILE=/c",
				"AWS_ENDPOINT_URL_S3=http://s3", "NO_PROXY=10.0.0.1", "no_proxy=10.0.0.1"},
		},
		"directories": {
			[]string{"SLIPWAY_S3_DIR=s3", "SLIPWAY_EFS_DIR=/mnt/efs"},
			[]string{"SLIPWAY_EFS_DIR=/home/efs", "SLIPWAY_S3_DIR=" + here + "/s3", "SLIPWAY_EFS_DIR=/mnt/efs", "NO_PROXY=10.0.0.1", "no_proxy=10.0.0.1"},
		},
		"an empty directory": {
			[]string{"SLIPWAY_EFS_DIR="}, []string{"SLIPWAY_EFS_DIR=/home/efs", "NO_PROXY=10.0.0.1", "no_proxy=10.0.0.1"},
		},
		"proxies": {
			[]string{"HTTP_PROXY=http://p", "https_proxy=http://q", "NO_PROXY=.internal", "no_proxy=localhost,.b"},
			[]string{"SLIPWAY_EFS_DIR=/home/efs", "HTTP_PROXY=http://p", "https_proxy=http://q", "NO_PROXY=.internal,10.0.0.1", "no_proxy=localhost,.b,10.0.0.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := agentEnv(c.environ, "/home/efs", "10.0.0.1")
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
