//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// trusting is the trust policy of a role for a service.
func trusting(service string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`)
}

const tasksService = "ecs-tasks.amazonaws.com"

// role makes a role that tasks can have, and returns its ARN. It may do the
// actions, which may be none, to everything.
func (s *site) role(t *testing.T, name string, actions ...string) string {
	t.Helper()
	out, err := s.iamClient().CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: trusting(tasksService)})
	if err != nil {
		t.Fatal(err)
	}
	if len(actions) > 0 {
		s.allow(t, name, actions, "*")
	}
	return *out.Role.Arn
}

// allow lets a role do the actions to a resource.
func (s *site) allow(t *testing.T, role string, actions []string, resource string) {
	t.Helper()
	document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":"%s"}]}`, strings.Join(actions, `","`), resource)
	_, err := s.iamClient().PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("p" + itoa(int32(len(resource)))), PolicyDocument: &document,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pulling is what an execution role needs for images of our own registry.
var pulling = []string{"ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"}

// secret makes a secret and returns its ARN.
func (s *site) secret(t *testing.T, name, value string) string {
	t.Helper()
	out, err := s.secretsClient().CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ARN
}

func (s *site) parameter(t *testing.T, name string, kind ssmtypes.ParameterType, value string) {
	t.Helper()
	_, err := s.ssmClient().PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Type: kind, Value: &value})
	if err != nil {
		t.Fatal(err)
	}
}

// object puts a file where arn:aws:s3:::NAME stands for it.
func (s *site) object(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(s.slipway.DataDir, "objects", s.key.AccountID, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsBecomeVariables(t *testing.T) {
	t.Parallel()
	s := shared
	role := s.role(t, "secrets-all", append([]string{"secretsmanager:GetSecretValue", "ssm:GetParameters", "s3:GetObject", "logs:*"}, pulling...)...)
	whole := s.secret(t, "e2e/whole", `{"user":"ann","password":"pa$$ \"word\""}`)
	put, err := s.secretsClient().PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &whole, SecretString: aws.String(`{"user":"bob"}`)})
	if err != nil {
		t.Fatal(err)
	}
	s.parameter(t, "/e2e/plain", ssmtypes.ParameterTypeString, "plain value")
	s.parameter(t, "/e2e/sealed", ssmtypes.ParameterTypeSecureString, "sealed value")
	s.parameter(t, "e2e-bare", ssmtypes.ParameterTypeStringList, "a,b")
	s.parameter(t, "e2e-pattern", ssmtypes.ParameterTypeSecureString, "^WHOLE=")
	s.object(t, "config/deep/app.env", "# of the file\nFROM_FILE=yes\nBOTH=file\nODD=a=b c\n")
	want := map[string]string{
		"WHOLE": `{"user":"bob"}`, "KEY": "bob", "PREVIOUS": "ann", "QUOTED": `pa$$ "word"`, "VERSION": "bob",
		"BY_NAME": "plain value", "BY_ARN": "sealed value", "BARE": "a,b", "FROM_FILE": "yes", "BOTH": "definition", "ODD": "a=b c",
	}
	names := slices.Sorted(maps.Keys(want))
	slices.Reverse(names) // WHOLE first
	c := s.probe(t, "app", append([]string{"env"}, names...)...)
	c.Environment = []types.KeyValuePair{pair("BOTH", "definition")}
	c.EnvironmentFiles = []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: aws.String("arn:aws:s3:::config/deep/app.env")}}
	for name, from := range map[string]string{
		"WHOLE": whole, "KEY": whole + ":user::", "PREVIOUS": whole + ":user:AWSPREVIOUS:", "QUOTED": whole + ":password:AWSPREVIOUS:",
		"VERSION": whole + ":user::" + *put.VersionId, "BY_NAME": "/e2e/plain",
		"BY_ARN": "arn:aws:ssm:" + region + ":" + s.key.AccountID + ":parameter/e2e/sealed", "BARE": "e2e-bare",
	} {
		c.Secrets = append(c.Secrets, types.Secret{Name: &name, ValueFrom: &from})
	}
	// The log driver's option is a secret too: it makes one event of all lines.
	c = toGroup(c, "/e2e/secrets")
	c.LogConfiguration.SecretOptions = []types.Secret{{Name: aws.String("awslogs-multiline-pattern"), ValueFrom: aws.String("e2e-pattern")}}
	arn := s.run(t, s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("secrets"), ExecutionRoleArn: &role, ContainerDefinitions: []types.ContainerDefinition{c},
	}))
	assertExit(t, s.await(t, arn, "STOPPED"), "app", 0)
	events := eventually(t, "the log", func() ([]string, bool) {
		events := s.events(t, "/e2e/secrets", stream("app", arn))
		return events, len(events) > 0
	})
	if len(events) != 1 {
		t.Fatalf("%d events: %q", len(events), events)
	}
	lines := strings.Split(strings.TrimSpace(events[0]), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for _, line := range lines {
		if name, value, _ := strings.Cut(line, "="); want[name] != value {
			t.Errorf("%s is %q, want %q", name, value, want[name])
		}
	}
}

func TestSecretsThatCannotBeHad(t *testing.T) {
	t.Parallel()
	s := shared
	whole := s.secret(t, "e2e/closed", `{"user":"ann"}`)
	s.parameter(t, "/e2e/closed", ssmtypes.ParameterTypeSecureString, "x")
	all := s.role(t, "secrets-read", append([]string{"secretsmanager:GetSecretValue", "ssm:GetParameters", "s3:GetObject"}, pulling...)...)
	none := s.role(t, "secrets-none", pulling...)
	const pull = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
	const fromASM = pull + "unable to retrieve secret from asm: service call has been retried 1 time(s): "
	tests := []struct {
		name, role, from string
		file             bool
		want             []string
	}{
		{"missing secret", all, "arn:aws:secretsmanager:" + region + ":" + s.key.AccountID + ":secret:nobody-AbCdEf", false,
			[]string{fromASM + "failed to fetch secret arn:aws:secretsmanager:", "from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."}},
		{"forbidden secret", none, whole, false,
			[]string{fromASM + "failed to fetch secret " + whole + " from secrets manager: AccessDeniedException: User: arn:aws:sts::" + s.key.AccountID + ":assumed-role/secrets-none/",
				"is not authorized to perform: secretsmanager:GetSecretValue on resource: " + whole}},
		{"missing key", all, whole + ":nobody::", false, []string{fromASM + "retrieved secret from Secrets Manager did not contain json key nobody"}},
		{"missing parameter", all, "/e2e/nobody", false,
			[]string{pull + "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: /e2e/nobody"}},
		{"forbidden parameter", none, "/e2e/closed", false,
			[]string{pull + "unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: ", "ssm:GetParameters"}},
		{"missing file", all, "arn:aws:s3:::nobody/app.env", true,
			[]string{"ResourceInitializationError: failed to download env files: file download command: non empty error stream: failed to download file app.env: ", "NoSuchBucket"}},
		{"forbidden file", none, "arn:aws:s3:::config/app.env", true,
			[]string{"ResourceInitializationError: failed to download env files: ", "AccessDenied"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := s.probe(t, "app", "env")
			if tt.file {
				c.EnvironmentFiles = []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: &tt.from}}
			} else {
				c.Secrets = []types.Secret{{Name: aws.String("X"), ValueFrom: &tt.from}}
			}
			task := s.await(t, s.run(t, s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
				Family: aws.String("closed"), ExecutionRoleArn: &tt.role, ContainerDefinitions: []types.ContainerDefinition{c},
			})), "STOPPED")
			assertStop(t, task, types.TaskStopCodeTaskFailedToStart, tt.want[0])
			for _, part := range tt.want[1:] {
				if !strings.Contains(aws.ToString(task.StoppedReason), part) {
					t.Errorf("the reason lacks %q: %s", part, aws.ToString(task.StoppedReason))
				}
			}
		})
	}
}
