//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs a line with the environment that `slipway env` gives, and returns
// what it wrote to stdout.
func (s *site) shell(t *testing.T, line string) string {
	t.Helper()
	script := `eval "$("$0" env --data-dir "$1")" && ` + line
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, *binary, s.slipway.DataDir)
	cmd.Env = append(os.Environ(), "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// The commands of the ECS tutorials, as they are written there.
func TestTutorialsOfTheAWSCLI(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "aws", "--version").CombinedOutput(); err != nil {
		t.Skipf("this test needs the AWS CLI: %v %s", err, out)
	}
	s := shared
	file := filepath.Join(t.TempDir(), "task.json")
	definition := fmt.Sprintf(`{
	  "family": "tutorial",
	  "containerDefinitions": [{
	    "name": "web", "image": %q, "cpu": 10, "memory": 32, "essential": true,
	    "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
	    "environment": [{"name": "VERSION", "value": "cli"}]
	  }]
	}`, s.image)
	if err := os.WriteFile(file, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	expect := func(line, want string) {
		t.Helper()
		if got := s.shell(t, line); got != want {
			t.Errorf("%s\nprints %q, want %q", line, got, want)
		}
	}
	expect(`aws ecs create-cluster --cluster-name tutorial --query cluster.status --output text`, "ACTIVE")
	expect(`aws ecs register-task-definition --cli-input-json file://`+file+` --query taskDefinition.revision`, "1")
	expect(`aws ecs register-task-definition --family tutorial --container-definitions '[{"name":"web","image":"`+s.image+
		`","memory":32,"command":["exit","4"]}]' --query taskDefinition.revision`, "2")
	expect(`aws ecs list-task-definitions --family-prefix tutorial --query 'length(taskDefinitionArns)'`, "2")
	expect(`aws ecs describe-task-definition --task-definition tutorial:1 --query 'taskDefinition.containerDefinitions[0].memory'`, "32")

	arn := s.shell(t, `aws ecs run-task --cluster default --task-definition tutorial:1 --count 1 --query 'tasks[0].taskArn' --output text`)
	expect(`aws ecs wait tasks-running --tasks `+arn, "")
	if list := s.shell(t, `aws ecs list-tasks --family tutorial --output text`); !strings.Contains(list, arn) {
		t.Errorf("list-tasks does not list %s: %s", arn, list)
	}
	expect(`aws ecs stop-task --task `+arn+` --reason tutorial --query task.desiredStatus --output text`, "STOPPED")
	expect(`aws ecs wait tasks-stopped --tasks `+arn, "")
	expect(`aws ecs describe-tasks --tasks `+arn+` --query 'tasks[0].[stopCode,stoppedReason]' --output text`, "UserInitiated\ttutorial")

	exits := s.shell(t, `aws ecs run-task --task-definition tutorial --query 'tasks[0].taskArn' --output text`)
	expect(`aws ecs wait tasks-stopped --tasks `+exits, "")
	expect(`aws ecs describe-tasks --tasks `+exits+` --query 'tasks[0].containers[0].exitCode'`, "4")

	expect(`aws ecs create-service --service-name tutorial --task-definition tutorial:1 --desired-count 2 --query service.status --output text`, "ACTIVE")
	expect(`aws ecs wait services-stable --services tutorial`, "")
	expect(`aws ecs update-service --service tutorial --desired-count 1 --force-new-deployment --query service.desiredCount`, "1")
	expect(`aws ecs wait services-stable --services tutorial`, "")
	expect(`aws ecs describe-services --services tutorial --query 'services[0].[runningCount,length(deployments)]' --output text`, "1\t1")
	expect(`aws ecs delete-service --service tutorial --force --query service.status --output text`, "DRAINING")
	expect(`aws ecs wait services-inactive --services tutorial`, "")
	expect(`aws ecs deregister-task-definition --task-definition tutorial:2 --query taskDefinition.status --output text`, "INACTIVE")
	expect(`aws ecs delete-cluster --cluster tutorial --query cluster.status --output text`, "INACTIVE")

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.slipway.Listen+"/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("AWS", s.shell(t, `aws ecr get-login-password`))
	resp, err := direct.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the registry answers %s to the login password", resp.Status)
	}
	var i struct{ PrivateIpAddress string }
	out := s.shell(t, `aws ec2 describe-instances --query 'Reservations[0].Instances[0]'`)
	if err := json.Unmarshal([]byte(out), &i); err != nil || i.PrivateIpAddress == "" {
		t.Errorf("describe-instances prints %s", out)
	}
}
