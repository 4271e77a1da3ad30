package ecsapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

var update = flag.Bool("update", false, "rewrite the golden answers")

// post sends a body as it is and returns the answer.
func (d *door) post(t *testing.T, operation string, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	key := aws.Credentials{AccessKeyID: "AKIA" + firstAccount, SecretAccessKey: doorSecret}
	if err := v4.NewSigner().SignHTTP(t.Context(), key, req, hash(body), "ecs", doorRegion, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out.Bytes()
}

// times are cut out of golden answers.
var times = regexp.MustCompile(`("(?:registeredAt|deregisteredAt|deleteRequestedAt)": )[0-9.]+`)

// TestDescribeTaskDefinitionAsAWS registers what testdata holds and compares
// what is described with the answer beside it, member for member.
func TestDescribeTaskDefinitionAsAWS(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, input := range inputs {
		if strings.HasSuffix(input, ".golden.json") {
			continue
		}
		seen++
		t.Run(strings.TrimSuffix(filepath.Base(input), ".json"), func(t *testing.T) {
			t.Parallel()
			d := openDoor(t)
			body, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			if status, answer := d.post(t, "RegisterTaskDefinition", body); status != http.StatusOK {
				t.Fatalf("status %d: %s", status, answer)
			}
			var family struct{ Family string }
			if err := json.Unmarshal(body, &family); err != nil {
				t.Fatal(err)
			}
			status, answer := d.post(t, "DescribeTaskDefinition", []byte(`{"taskDefinition":"`+family.Family+`"}`))
			if status != http.StatusOK {
				t.Fatalf("status %d: %s", status, answer)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, answer, "", "  "); err != nil {
				t.Fatal(err)
			}
			got := append(times.ReplaceAll(pretty.Bytes(), []byte("${1}0")), '\n')
			golden := strings.TrimSuffix(input, ".json") + ".golden.json"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("described as\n%s\nwant\n%s", got, want)
			}
		})
	}
	if seen == 0 {
		t.Fatal("testdata holds no task definitions")
	}
}

func TestTaskDefinitionsThroughTheSDK(t *testing.T) {
	d := openDoor(t)
	for range 2 {
		_, err := d.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
			Family: new("web"), Tags: []types.Tag{{Key: new("team"), Value: new("a")}},
			ContainerDefinitions: []types.ContainerDefinition{{Name: new("app"), Image: new("app"), Memory: new(int32(64))}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range []string{"web", "web:2", "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2"} {
		out, err := d.DescribeTaskDefinition(t.Context(), &sdk.DescribeTaskDefinitionInput{TaskDefinition: &ref, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
		if err != nil || out.TaskDefinition.Revision != 2 || len(out.Tags) != 1 || *out.TaskDefinition.RegisteredBy != "arn:aws:iam::123456789012:root" {
			t.Errorf("%s is %+v, %v", ref, out, err)
		}
	}
	gone, err := d.DeregisterTaskDefinition(t.Context(), &sdk.DeregisterTaskDefinitionInput{TaskDefinition: new("web:2")})
	if err != nil || gone.TaskDefinition.Status != types.TaskDefinitionStatusInactive || gone.TaskDefinition.DeregisteredAt == nil {
		t.Errorf("deregistered %+v, %v", gone, err)
	}
	if out, err := d.DescribeTaskDefinition(t.Context(), &sdk.DescribeTaskDefinitionInput{TaskDefinition: new("web")}); err != nil || out.TaskDefinition.Revision != 1 || len(out.Tags) != 0 {
		t.Errorf("the family is %+v, %v", out, err)
	}
	deleted, err := d.DeleteTaskDefinitions(t.Context(), &sdk.DeleteTaskDefinitionsInput{TaskDefinitions: []string{"web:1", "web:2"}})
	if err != nil || len(deleted.TaskDefinitions) != 1 || deleted.TaskDefinitions[0].Status != types.TaskDefinitionStatusDeleteInProgress || len(deleted.Failures) != 1 {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	listed, err := d.ListTaskDefinitions(t.Context(), &sdk.ListTaskDefinitionsInput{FamilyPrefix: new("web"), Status: types.TaskDefinitionStatusDeleteInProgress})
	if err != nil || len(listed.TaskDefinitionArns) != 1 {
		t.Errorf("listed %+v, %v", listed, err)
	}
	families, err := d.ListTaskDefinitionFamilies(t.Context(), &sdk.ListTaskDefinitionFamiliesInput{FamilyPrefix: new("w")})
	if err != nil || len(families.Families) != 1 {
		t.Errorf("families %+v, %v", families, err)
	}
	theirs := d.as(secondAccount)
	_, err = theirs.DescribeTaskDefinition(t.Context(), &sdk.DescribeTaskDefinitionInput{TaskDefinition: new("web:1")})
	wantError(t, err, "ClientException", "Unable to describe task definition.")
	_, err = d.DeleteTaskDefinitions(t.Context(), &sdk.DeleteTaskDefinitionsInput{TaskDefinitions: make([]string, 11)})
	wantError(t, err, "InvalidParameterException", "The number of task definitions must be between 1 and 10.")
}
