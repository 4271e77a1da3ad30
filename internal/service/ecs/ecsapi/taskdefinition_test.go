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
