package ecs

import (
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

func TestCheckServed(t *testing.T) {
	secret := []ecsshape.Secret{{Name: new("S"), ValueFrom: new("/p")}}
	for name, tc := range map[string]struct {
		definition ecsshape.TaskDefinition
		overrides  *ecsshape.TaskOverride
		want       string // part of the refusal; "": served
	}{
		"a plain definition": {},
		"an execution role":  {definition: ecsshape.TaskDefinition{ExecutionRoleArn: new("arn:aws:iam::123456789012:role/x")}},
		"a task role":        {definition: ecsshape.TaskDefinition{TaskRoleArn: new("arn:aws:iam::123456789012:role/x")}, want: "task roles"},
		"a task role by override": {
			overrides: &ecsshape.TaskOverride{TaskRoleArn: new("arn:aws:iam::123456789012:role/x")}, want: "task roles",
		},
		"an EFS volume": {
			definition: ecsshape.TaskDefinition{Volumes: []ecsshape.Volume{{EfsVolumeConfiguration: &ecsshape.EFSVolumeConfiguration{}}}},
			want:       "EFS",
		},
		"a secret":                 {definition: of(ecsshape.ContainerDefinition{Secrets: secret}), want: "secrets"},
		"a secret log option":      {definition: of(ecsshape.ContainerDefinition{LogConfiguration: &ecsshape.LogConfiguration{SecretOptions: secret}}), want: "secrets"},
		"an environment file":      {definition: of(ecsshape.ContainerDefinition{EnvironmentFiles: []ecsshape.EnvironmentFile{{}}}), want: "S3"},
		"a private registry":       {definition: of(ecsshape.ContainerDefinition{RepositoryCredentials: &ecsshape.RepositoryCredentials{}}), want: "repository credentials"},
		"a FireLens router":        {definition: of(ecsshape.ContainerDefinition{FirelensConfiguration: &ecsshape.FirelensConfiguration{}}), want: "FireLens"},
		"a container health check": {definition: of(ecsshape.ContainerDefinition{HealthCheck: &ecsshape.HealthCheck{}})},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkServed(&tc.definition, tc.overrides)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (!apierr.Is(err, "ClientException") || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want a ClientException that names %s", err, tc.want)
			}
		})
	}
}

func of(c ecsshape.ContainerDefinition) ecsshape.TaskDefinition {
	return ecsshape.TaskDefinition{ContainerDefinitions: []ecsshape.ContainerDefinition{c}}
}
