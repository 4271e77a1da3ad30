//go:build e2e

package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// calls is what the SDK in a container says, see test/probe.
type calls struct {
	Identity, Region, Key string
	Expires               time.Time
	Secret, Refused       string
	Error                 string
}

// aws has the SDK in the container find everything by itself, say who it is, and
// read a secret.
func (i inside) aws(t *testing.T, secret string) calls {
	t.Helper()
	return eventually(t, "the SDK's answers", func() (calls, bool) {
		var out calls
		err := i.post(t, "/aws?secret="+url.QueryEscape(secret), nil, &out)
		return out, err == nil && out.Error == ""
	})
}

// inside runs a serving probe and returns where it is reached.
func (s *site) inside(t *testing.T, in *ecs.RegisterTaskDefinitionInput) (inside, types.Task) {
	t.Helper()
	task := s.await(t, s.run(t, s.registerInput(t, in)), "RUNNING")
	return inside(address(t, task, s.machines(t))), task
}

func TestTaskRoleInTheContainer(t *testing.T) {
	t.Parallel()
	s := shared
	open, closed := s.secret(t, "e2e/roles/open", "for the role"), s.secret(t, "e2e/roles/closed", "for nobody")
	role := s.role(t, "e2e-task")
	s.allow(t, "e2e-task", []string{"secretsmanager:GetSecretValue"}, open)
	execution := s.role(t, "e2e-execution", pulling...)
	for _, mode := range []types.NetworkMode{types.NetworkModeBridge, types.NetworkModeHost} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			c := s.serving(t, "app")
			if mode == types.NetworkModeHost {
				c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(18083)}}
				c.Environment = []types.KeyValuePair{pair("PORT", "18083")}
			}
			definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
				Family: aws.String("role-" + string(mode)), NetworkMode: mode, TaskRoleArn: &role, ExecutionRoleArn: &execution,
				ContainerDefinitions: []types.ContainerDefinition{c},
			})
			task := s.await(t, s.run(t, definition), "RUNNING")
			in := inside(hostPort(s.machines(t)[*task.ContainerInstanceArn].address, 18083))
			if mode == types.NetworkModeBridge {
				in = inside(address(t, task, s.machines(t)))
			}
			got := in.aws(t, open)
			want := "arn:aws:sts::" + s.key.AccountID + ":assumed-role/e2e-task/" + lastPart(*task.TaskArn)
			if got.Identity != want || got.Region != region || got.Secret != "for the role" || got.Refused != "" {
				t.Errorf("the SDK says %+v, want the identity %s", got, want)
			}
			if life := time.Until(got.Expires); life < time.Hour || life > 6*time.Hour {
				t.Errorf("credentials for %s", life)
			}
			if got := in.aws(t, closed); got.Refused != "AccessDeniedException" || got.Secret != "" {
				t.Errorf("a secret that the role must not read: %+v", got)
			}
			// What an SDK of any language reads.
			var raw struct{ RoleArn, AccessKeyId, SecretAccessKey, Token, Expiration string }
			in.json(t, "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", &raw)
			if raw.RoleArn != role || !strings.HasPrefix(raw.AccessKeyId, "ASIA") || raw.SecretAccessKey == "" || raw.Token == "" {
				t.Errorf("credentials %+v", raw)
			}
			if got := in.fetch(t, http.MethodGet, "http://169.254.170.2/v2/credentials/00000000-0000-0000-0000-000000000000", ""); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "InvalidIdInRequest") {
				t.Errorf("credentials of nobody: %+v", got)
			}
		})
	}
}

// A task without a role has none, not even the instance's.
func TestNoTaskRole(t *testing.T) {
	t.Parallel()
	s := shared
	in, _ := s.inside(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("norole"), ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
	})
	for _, name := range []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if v := in.env(t, name); v != "" {
			t.Errorf("%s is %q", name, v)
		}
	}
}

func TestRolesThatTasksCannotHave(t *testing.T) {
	t.Parallel()
	s := shared
	_, err := s.iamClient().CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("e2e-for-ec2"), AssumeRolePolicyDocument: trusting("ec2.amazonaws.com"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"e2e-for-ec2", "e2e-nobody"} {
		arn := "arn:aws:iam::" + s.key.AccountID + ":role/" + name
		definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("untrusted"), TaskRoleArn: &arn, ContainerDefinitions: []types.ContainerDefinition{s.web("web")},
		})
		_, err := s.aws.ECS.RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: &definition})
		want := "ClientException: ECS was unable to assume the role '" + arn + "' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("RunTask with the role %s: %v", name, err)
		}
	}
}

// An execution role that may not pull fails the task, though the instance might.
func TestExecutionRolePulls(t *testing.T) {
	t.Parallel()
	s := shared
	role := s.role(t, "e2e-cannot-pull", "logs:*")
	definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("cannotpull"), ExecutionRoleArn: &role, ContainerDefinitions: []types.ContainerDefinition{s.web("web")},
	})
	task := s.await(t, s.run(t, definition), "STOPPED")
	assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotPull")
	if !strings.Contains(aws.ToString(task.StoppedReason), "assumed-role/e2e-cannot-pull/"+lastPart(*task.TaskArn)) {
		t.Errorf("the reason does not name who may not pull: %s", aws.ToString(task.StoppedReason))
	}
}

func TestCredentialsOutliveAgentAndServer(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	secret := s.secret(t, "e2e/roles", "for the role")
	role := s.role(t, "e2e-task", "secretsmanager:GetSecretValue")
	in, task := s.inside(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("lives"), TaskRoleArn: &role, ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
	})
	before := in.aws(t, secret)
	s.killAgent(t)
	// Fresh ones: the agent keeps none on disk and is given others.
	after := eventually(t, "credentials after the agent's death", func() (calls, bool) {
		got := in.aws(t, secret)
		return got, got.Key != before.Key
	})
	if after.Secret != "for the role" || after.Identity != before.Identity {
		t.Errorf("after the agent's death: %+v, before %+v", after, before)
	}
	s.kill(t)
	s.start(t)
	if again := in.aws(t, secret); again.Secret != "for the role" || again.Identity != before.Identity {
		t.Errorf("after the server's death: %+v", again)
	}
	s.assertSame(t, *task.TaskArn, s.process(t, task))
}
