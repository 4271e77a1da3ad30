//go:build e2e

package e2e

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/slipway/slipway/test/harness"
)

// burst calls RunTask from two clients, at most most times each, kills Slipway
// once enough calls were acknowledged, and returns all that were.
func (s *site) burst(t *testing.T, definition string, enough, most int) []string {
	t.Helper()
	acknowledged := make(chan string)
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			for range most {
				out, err := s.aws.ECS.RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: &definition})
				if err != nil {
					return // killed
				}
				for _, task := range out.Tasks {
					acknowledged <- *task.TaskArn
				}
			}
		})
	}
	go func() {
		callers.Wait()
		close(acknowledged)
	}()
	var arns []string
	for arn := range acknowledged {
		if arns = append(arns, arn); len(arns) == enough {
			s.kill(t)
		}
	}
	return arns
}

// assertOnce checks that every task that shall run runs, in one container that
// was started once, and that there is no other container.
func (s *site) assertOnce(t *testing.T, acknowledged []string) {
	t.Helper()
	tasks := map[string]types.Task{}
	for _, task := range s.tasks(t, types.DesiredStatusRunning, "") {
		tasks[*task.TaskArn] = s.await(t, *task.TaskArn, "RUNNING")
	}
	for _, arn := range acknowledged {
		if _, ok := tasks[arn]; !ok {
			t.Errorf("an acknowledged task is not there: %v", taskView{s.describe(t, arn)})
		}
	}
	owned := map[string]int{}
	for _, p := range s.processes(t) {
		if p.pid == 0 {
			continue
		}
		owned[p.task]++
		if _, ok := tasks[p.task]; !ok {
			t.Errorf("a container of %s runs, which is not to run", p.task)
		}
	}
	for arn, task := range tasks {
		if owned[arn] != 1 {
			t.Errorf("%d containers run for %s", owned[arn], arn)
		}
		eventually(t, "output of "+arn, func() (string, bool) {
			out := s.output(t, task, "web")
			return out, out != ""
		})
		if n := strings.Count(s.output(t, task, "web"), "serving on port"); n != 1 {
			t.Errorf("%s was started %d times", arn, n)
		}
	}
}

func TestKillDuringRunTask(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "2")
	definition := s.register(t, "burst", s.web("web"))
	var acknowledged []string
	running := map[string]process{}
	for _, enough := range []int{1, 5, 10} {
		acknowledged = append(acknowledged, s.burst(t, definition, enough, 6)...)
		s.start(t)
		for arn, before := range running {
			s.assertSame(t, arn, before)
		}
		s.assertOnce(t, acknowledged)
		for _, arn := range acknowledged {
			running[arn] = s.process(t, s.describe(t, arn))
		}
	}
	if len(acknowledged) < 16 {
		t.Errorf("only %d calls were acknowledged", len(acknowledged))
	}
}

func TestKillDuringRollout(t *testing.T) {
	t.Parallel()
	s := ownSite(t)
	first := s.versioned(t, "rollout", "1")
	s.create(t, "rollout", first, 3)
	arn := s.run(t, s.register(t, "bystander", s.web("web", "sleep", "3600")))
	bystander := s.process(t, s.await(t, arn, "RUNNING"))
	points := map[string]func(old, fresh []types.Task) bool{
		"once acknowledged":           func(_, _ []types.Task) bool { return true },
		"once a new task is there":    func(_, fresh []types.Task) bool { return len(fresh) > 0 },
		"once an old task is stopped": func(old, _ []types.Task) bool { return len(old) < 3 },
	}
	version := 1
	for when, reached := range points {
		version++
		definition := s.versioned(t, "rollout", itoa(int32(version)))
		s.update(t, "rollout", func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &definition })
		eventually(t, when, func() (int, bool) {
			var old, fresh []types.Task
			for _, task := range s.tasks(t, types.DesiredStatusRunning, "rollout") {
				if aws.ToString(task.TaskDefinitionArn) == definition {
					fresh = append(fresh, task)
				} else {
					old = append(old, task)
				}
			}
			return len(fresh), reached(old, fresh)
		})
		s.kill(t)
		s.start(t)
		s.stable(t, "rollout", 3)
		s.assertReplicas(t, "rollout", definition, 3)
		s.assertSame(t, arn, bystander)
		s.assertVersion(t, "rollout", itoa(int32(version)))
	}
}

// Each of these changes was acknowledged just before the kill.
func TestAcknowledgedChangesSurviveAKill(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	definition := s.register(t, "survivor", s.web("web", "sleep", "3600"))
	restart := func(t *testing.T) {
		t.Helper()
		s.kill(t)
		s.start(t)
	}
	t.Run("StopTask", func(t *testing.T) {
		arn := s.run(t, definition)
		s.awaitOutput(t, s.await(t, arn, "RUNNING"), "web", "sleeping")
		if _, err := s.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &arn, Reason: aws.String("enough")}); err != nil {
			t.Fatal(err)
		}
		restart(t)
		task := s.await(t, arn, "STOPPED")
		assertExit(t, task, "web", 143)
		assertStop(t, task, types.TaskStopCodeUserInitiated, "enough")
	})
	t.Run("CreateService", func(t *testing.T) {
		_, err := s.aws.ECS.CreateService(t.Context(), &ecs.CreateServiceInput{
			ServiceName: aws.String("survivor"), TaskDefinition: &definition, DesiredCount: aws.Int32(2),
		})
		if err != nil {
			t.Fatal(err)
		}
		restart(t)
		s.stable(t, "survivor", 2)
		s.assertReplicas(t, "survivor", definition, 2)
	})
	t.Run("account, cluster and definition", func(t *testing.T) {
		key := s.newAccount(t)
		c := s.slipway.Clients(key, region)
		if _, err := c.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("kept")}); err != nil {
			t.Fatal(err)
		}
		last := s.register(t, "survivor", s.web("web", "exit", "7"))
		restart(t)
		out, err := c.ECS.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"kept"}})
		if err != nil || len(out.Clusters) != 1 {
			t.Errorf("the cluster of the new account: %+v, %v", out, err)
		}
		assertExit(t, s.await(t, s.run(t, last), "STOPPED"), "web", 7)
	})
	t.Run("DeleteService", func(t *testing.T) {
		_, err := s.aws.ECS.DeleteService(t.Context(), &ecs.DeleteServiceInput{Service: aws.String("survivor"), Force: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		restart(t)
		eventually(t, "end of the service", func() (serviceView, bool) {
			v := viewService(s.describeService(t, "survivor"))
			return v, v.Status == "INACTIVE"
		})
		s.assertOnce(t, nil)
	})
}

func TestInterruptedPush(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	layer, err := random.Layer(4<<20, "application/vnd.docker.image.rootfs.diff.tar.gzip")
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(webImage, layer)
	if err != nil {
		t.Fatal(err)
	}
	s.uploadUntilKilled(t)
	s.start(t)
	uri, err := harness.PushImage(t.Context(), s.aws, "interrupted", "1", img)
	if err != nil {
		t.Fatalf("push after an interrupted push: %v", err)
	}
	c := s.web("web", "exit", "5")
	c.Image = &uri
	assertExit(t, s.await(t, s.run(t, s.register(t, "interrupted", c)), "STOPPED"), "web", 5)
	// What was pushed before the kill is whole.
	assertExit(t, s.await(t, s.run(t, s.register(t, "before", s.web("web", "exit", "6"))), "STOPPED"), "web", 6)
}

// uploadUntilKilled begins to upload a blob and kills Slipway in the middle.
func (s *site) uploadUntilKilled(t *testing.T) {
	t.Helper()
	user, password := s.registryLogin(t)
	begin, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.slipway.Listen+"/v2/web/blobs/uploads/", nil)
	if err != nil {
		t.Fatal(err)
	}
	begin.SetBasicAuth(user, password)
	resp, err := direct.Do(begin)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("begin of an upload: %s", resp.Status)
	}
	location, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	patch, err := http.NewRequestWithContext(ctx, http.MethodPatch, location.String(), r)
	if err != nil {
		t.Fatal(err)
	}
	patch.SetBasicAuth(user, password)
	var upload sync.WaitGroup
	upload.Go(func() {
		if resp, err := (&http.Client{}).Do(patch); err == nil {
			t.Errorf("an upload that was cut off is answered with %s", resp.Status)
			resp.Body.Close()
		}
	})
	// More than the buffers between here and the registry hold.
	if _, err := w.Write(make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	s.kill(t)
	w.CloseWithError(io.ErrUnexpectedEOF)
	upload.Wait()
}
