//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/slipway/slipway/test/harness"
	"github.com/slipway/slipway/test/image"
)

var probeBinary = flag.String("probe", "../../bin/probe", "the program that looks at containers from inside")

// probeImages are the URIs of the probe's image, by data directory.
var probeImages struct {
	sync.Mutex
	of map[string]string
}

// probeImage is the URI of the probe in the registry of this Slipway.
func (s *site) probeImage(t *testing.T) string {
	t.Helper()
	p := &probeImages
	p.Lock()
	defer p.Unlock()
	if uri := p.of[s.slipway.DataDir]; uri != "" {
		return uri
	}
	path, err := filepath.Abs(*probeBinary)
	if err != nil {
		t.Fatal(err)
	}
	img, err := image.FromBinary(path)
	if err != nil {
		t.Fatalf("%v: build it with `make e2e`", err)
	}
	uri, err := harness.PushImage(t.Context(), s.aws, "probe", "1", img)
	if err != nil {
		t.Fatal(err)
	}
	if p.of == nil {
		p.of = map[string]string{}
	}
	p.of[s.slipway.DataDir] = uri
	return uri
}

// probe is a container of the probe that runs a command of it.
func (s *site) probe(t *testing.T, name string, command ...string) types.ContainerDefinition {
	t.Helper()
	c := s.web(name, command...)
	c.Image = aws.String(s.probeImage(t))
	c.Memory = aws.Int32(64)
	return c
}

// serving is a probe that serves on a port that the host chooses.
func (s *site) serving(t *testing.T, name string) types.ContainerDefinition {
	t.Helper()
	c := s.probe(t, name)
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}}
	return c
}

func (s *site) logsClient() *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(s.slipway.Config(s.key, region))
}

func (s *site) iamClient() *iam.Client { return iam.NewFromConfig(s.slipway.Config(s.key, region)) }

func (s *site) secretsClient() *secretsmanager.Client {
	return secretsmanager.NewFromConfig(s.slipway.Config(s.key, region))
}

func (s *site) ssmClient() *ssm.Client { return ssm.NewFromConfig(s.slipway.Config(s.key, region)) }

// inside is a probe that serves at an address.
type inside string

// post asks the probe for something and reads its JSON.
func (i inside) post(t *testing.T, path string, in, out any) error {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+string(i)+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := direct.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

// answered is what a request from inside the container came back with.
type answered struct {
	Status int
	Body   string
	Error  string
}

// fetch does a request from inside the container; its environment is expanded.
func (i inside) fetch(t *testing.T, method, url, body string) answered {
	t.Helper()
	return eventually(t, "an answer of the probe", func() (answered, bool) {
		var out answered
		err := i.post(t, "/fetch", map[string]string{"Method": method, "URL": url, "Body": body}, &out)
		return out, err == nil
	})
}

// json reads the JSON of a GET from inside the container that must succeed.
func (i inside) json(t *testing.T, url string, out any) {
	t.Helper()
	got := i.fetch(t, http.MethodGet, url, "")
	if got.Status != http.StatusOK {
		t.Fatalf("GET %s: %+v", url, got)
	}
	if err := json.Unmarshal([]byte(got.Body), out); err != nil {
		t.Fatalf("GET %s: %v\n%s", url, err, got.Body)
	}
}

// env is a variable of the container's.
func (i inside) env(t *testing.T, name string) string {
	t.Helper()
	return fetch(t, string(i), "/env?name="+url.QueryEscape(name))
}

// lastPart is what comes after the last slash, such as a task's id.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
