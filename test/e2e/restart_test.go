//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func (s *site) registryLogin(t *testing.T) (user, password string) {
	t.Helper()
	out, err := s.aws.ECR.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ = strings.Cut(string(token), ":")
	return user, password
}

func TestSIGTERMAndStartAgain(t *testing.T) {
	t.Parallel()
	s := ownSite(t)
	definition := s.versioned(t, "again", "1")
	s.create(t, "again", definition, 3)
	stubborn := s.web("web", "stubborn") // must not hold up the end
	one := s.run(t, s.register(t, "again-oneoff", stubborn))
	s.await(t, one, "RUNNING")
	before, machines := s.tasks(t, types.DesiredStatusRunning, "again"), s.machines(t)

	if err := s.slipway.Stop(); err != nil {
		t.Fatalf("SIGTERM: %v\n%s", err, s.logs())
	}
	s.assertGone(t)
	s.start(t)

	after := s.machines(t)
	if len(after) != len(machines) {
		t.Errorf("the instances were %v, are %v", machines, after)
	}
	for arn, m := range machines {
		if after[arn] != m {
			t.Errorf("instance %+v came back as %+v", m, after[arn])
		}
	}
	for _, task := range append(before, s.describe(t, one)) {
		if got := s.await(t, *task.TaskArn, "STOPPED"); got.StoppedAt == nil {
			t.Errorf("no stoppedAt: %v", taskView{got})
		}
	}
	s.stable(t, "again", 3)
	s.assertReplicas(t, "again", definition, 3)
	s.assertVersion(t, "again", "1")
}

func TestFewerAndMoreInstances(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	for _, n := range []string{"2", "1"} {
		if err := s.slipway.Stop(); err != nil {
			t.Fatal(err)
		}
		s.slipway.Args = []string{"--instances", n}
		s.start(t)
		if got := len(s.machines(t)); itoa(int32(got)) != n {
			t.Errorf("--instances %s gives %d", n, got)
		}
	}
}

// Two Slipways, with instances, tasks and ports of the same names and numbers,
// side by side with the shared one; one of them ends.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	stays, ends := ownSite(t, "--instances", "1"), ownSite(t, "--instances", "1")
	places := map[*site]types.Task{}
	for _, s := range []*site{stays, ends} {
		c := s.web("web")
		c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(8080)}}
		c.Environment = []types.KeyValuePair{pair("VERSION", s.name(t))}
		task := s.await(t, s.run(t, s.register(t, "twin", c)), "RUNNING")
		if body := fetch(t, address(t, task, s.machines(t)), "/"); !strings.Contains(body, s.name(t)) {
			t.Errorf("%s answers %q", s.name(t), body)
		}
		places[s] = task
	}
	before := stays.process(t, places[stays])
	at := address(t, places[stays], stays.machines(t))

	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- askUntil(ctx, at) }()
	ends.kill(t)
	ends.start(t)
	ends.assertSame(t, *places[ends].TaskArn, ends.process(t, places[ends]))
	if err := ends.slipway.Stop(); err != nil {
		t.Error(err)
	}
	ends.assertGone(t)
	cancel()
	if err := <-failed; err != nil {
		t.Errorf("meanwhile the other's task did not answer: %v", err)
	}
	stays.assertSame(t, *places[stays].TaskArn, before)
	ends.start(t) // what its clean-up stops
}

// askUntil asks a server until ctx ends and returns the first error.
func askUntil(ctx context.Context, address string) error {
	for {
		_, _, err := get(ctx, address, "/healthz")
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case !pause(ctx):
			return nil
		}
	}
}
