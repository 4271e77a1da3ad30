//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// logTo lets a container log with a driver; options are pairs.
func logTo(c types.ContainerDefinition, driver types.LogDriver, options ...string) types.ContainerDefinition {
	c.LogConfiguration = &types.LogConfiguration{LogDriver: driver, Options: map[string]string{}}
	for p := range slices.Chunk(options, 2) {
		c.LogConfiguration.Options[p[0]] = p[1]
	}
	return c
}

// toGroup lets a container log into a group that is made for it.
func toGroup(c types.ContainerDefinition, group string, options ...string) types.ContainerDefinition {
	return logTo(c, types.LogDriverAwslogs, append([]string{
		"awslogs-group", group, "awslogs-region", region, "awslogs-create-group", "true", "awslogs-stream-prefix", "app",
	}, options...)...)
}

// stream is the name of a container's stream under the prefix app.
func stream(container, taskARN string) string { return "app/" + container + "/" + lastPart(taskARN) }

// events are the messages of a stream by GetLogEvents, oldest first; none while
// it does not exist.
func (s *site) events(t *testing.T, group, stream string) []string {
	t.Helper()
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true)}
	var out []string
	for {
		page, err := s.logsClient().GetLogEvents(t.Context(), in)
		if err != nil && strings.Contains(err.Error(), "ResourceNotFoundException") {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			out = append(out, *e.Message)
		}
		if aws.ToString(page.NextForwardToken) == aws.ToString(in.NextToken) {
			return out
		}
		in.NextToken = page.NextForwardToken
	}
}

// filtered are the messages of a group that a pattern matches.
func (s *site) filtered(t *testing.T, group, pattern string) []string {
	t.Helper()
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: &pattern}
	var out []string
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(s.logsClient(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			out = append(out, *e.Message)
		}
	}
	return out
}

// numbered are lines as the probe prints them.
func numbered(word string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %06d", word, i)
	}
	return out
}

func TestAWSLogsKeepsEveryLineInOrder(t *testing.T) {
	t.Parallel()
	s := shared
	group := "/e2e/lines"
	const n = 5000
	arn := s.run(t, s.register(t, "awslogs-lines", toGroup(s.probe(t, "many", "lines", itoa(n)), group)))
	s.await(t, arn, "STOPPED")
	want := numbered("line", n)
	eventually(t, "all lines", func() (int, bool) {
		got := s.events(t, group, stream("many", arn))
		return len(got), len(got) >= n
	})
	if got := s.events(t, group, stream("many", arn)); !slices.Equal(got, want) {
		t.Errorf("GetLogEvents gives %d lines, from %q to %q", len(got), got[0], got[len(got)-1])
	}
	if got := s.filtered(t, group, ""); !slices.Equal(got, want) {
		t.Errorf("FilterLogEvents gives %d lines", len(got))
	}
	if got := s.filtered(t, group, `"line 0042"`); len(got) != 100 {
		t.Errorf("FilterLogEvents finds %d lines", len(got))
	}
}

func TestAWSLogsMultiline(t *testing.T) {
	t.Parallel()
	s := shared
	group := "/e2e/multiline"
	lines := []string{"INFO one", "  more of one", "ERROR two", "  at here", "  at there", "INFO three"}
	pattern := toGroup(s.probe(t, "pattern", append([]string{"say"}, lines...)...), group, "awslogs-multiline-pattern", "^(INFO|ERROR)")
	dated := toGroup(s.probe(t, "dated", "say", "2026-01-02 10:00:00 one", "more", "2026-01-02 10:00:01 two"), group,
		"awslogs-datetime-format", "%Y-%m-%d %H:%M:%S")
	// The end of one must not cut off the other.
	dated.Essential = aws.Bool(false)
	pattern.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("dated"), Condition: types.ContainerConditionComplete}}
	arn := s.run(t, s.register(t, "awslogs-multiline", pattern, dated))
	task := s.await(t, arn, "STOPPED")
	assertExit(t, task, "dated", 0)
	assertExit(t, task, "pattern", 0)
	for container, want := range map[string][]string{
		"pattern": {"INFO one\n  more of one", "ERROR two\n  at here\n  at there", "INFO three"},
		"dated":   {"2026-01-02 10:00:00 one\nmore", "2026-01-02 10:00:01 two"},
	} {
		var got []string
		eventually(t, "the events of "+container, func() ([]string, bool) {
			got = s.events(t, group, stream(container, arn))
			return got, len(got) == len(want)
		})
		for i := range got {
			got[i] = strings.TrimRight(got[i], "\n")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", container, got)
		}
	}
}

func TestAWSLogsWithoutGroup(t *testing.T) {
	t.Parallel()
	s := shared
	c := toGroup(s.probe(t, "app", "ticks", "100"), "/e2e/nobody-made-it")
	delete(c.LogConfiguration.Options, "awslogs-create-group")
	task := s.await(t, s.run(t, s.register(t, "awslogs-nogroup", c)), "STOPPED")
	assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotStartContainerError: Error response from daemon: "+
		"failed to initialize logging driver: failed to create Cloudwatch log stream: operation error CloudWatch Logs: CreateLogStream,")
	if !strings.Contains(aws.ToString(task.StoppedReason), "ResourceNotFoundException: The specified log group does not exist.") {
		t.Errorf("the reason does not name the group's absence: %s", aws.ToString(task.StoppedReason))
	}
}

// atTheEndpoint keeps the SDK from putting "stream-" before the host, which here
// is an address.
func atTheEndpoint(o *cloudwatchlogs.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
	})
}

// A tail is open before the task writes, and hears it.
func TestLiveTailOfATask(t *testing.T) {
	t.Parallel()
	s := shared
	group := "/e2e/tail"
	made, err := s.logsClient().CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	if err != nil {
		t.Fatal(made, err)
	}
	groups, err := s.logsClient().DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
	if err != nil || len(groups.LogGroups) != 1 {
		t.Fatalf("%+v, %v", groups, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := s.logsClient().StartLiveTail(ctx, &cloudwatchlogs.StartLiveTailInput{
		LogGroupIdentifiers: []string{*groups.LogGroups[0].LogGroupArn}, LogEventFilterPattern: aws.String("ERROR"),
	}, atTheEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	tail := out.GetStream()
	defer tail.Close()
	c := toGroup(s.probe(t, "app", "say", "all is well", "ERROR that is heard"), group)
	arn := s.run(t, s.register(t, "livetail", c))
	for e := range tail.Events() {
		update, ok := e.(*logtypes.StartLiveTailResponseStreamMemberSessionUpdate)
		if !ok || len(update.Value.SessionResults) == 0 {
			continue
		}
		got := update.Value.SessionResults[0]
		if aws.ToString(got.Message) != "ERROR that is heard" || aws.ToString(got.LogStreamName) != stream("app", arn) {
			t.Errorf("the tail hears %q of %s", aws.ToString(got.Message), aws.ToString(got.LogStreamName))
		}
		return
	}
	t.Fatalf("the tail ended without the line: %v", tail.Err())
}

func TestLogsByTheAWSCLI(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "aws", "--version").CombinedOutput(); err != nil {
		t.Skipf("this test needs the AWS CLI: %v %s", err, out)
	}
	s := shared
	c := toGroup(s.probe(t, "app", "say", "all is well", "ERROR it is not"), "/e2e/cli")
	arn := s.run(t, s.register(t, "logscli", c))
	s.await(t, arn, "STOPPED")
	eventually(t, "the events", func() (int, bool) {
		n := len(s.events(t, "/e2e/cli", stream("app", arn)))
		return n, n == 2
	})
	got := s.shell(t, `aws logs filter-log-events --log-group-name /e2e/cli --filter-pattern ERROR --query 'events[].[logStreamName,message]' --output text`)
	if got != stream("app", arn)+"\tERROR it is not" {
		t.Errorf("filter-log-events prints %q", got)
	}
	if got := s.shell(t, `aws logs describe-log-streams --log-group-name /e2e/cli --query 'logStreams[].logStreamName' --output text`); got != stream("app", arn) {
		t.Errorf("describe-log-streams prints %q", got)
	}
}

func TestLiveTailOfTheAWSCLI(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "aws", "logs", "start-live-tail", "help").CombinedOutput(); err != nil {
		t.Skipf("this test needs an AWS CLI that knows start-live-tail: %v %s", err, out)
	}
	s := shared
	c := toGroup(s.probe(t, "app", "ticks", "200"), "/e2e/cli-tail")
	arn := s.run(t, s.register(t, "clitail", c))
	eventually(t, "the first event", func() (int, bool) {
		n := len(s.events(t, "/e2e/cli-tail", stream("app", arn)))
		return n, n > 0
	})
	group := "arn:aws:logs:" + region + ":" + s.key.AccountID + ":log-group:/e2e/cli-tail"
	script := `eval "$("$0" env --data-dir "$1")" && exec aws logs start-live-tail --log-group-identifiers "$2" --log-event-filter-pattern tick`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, *binary, s.slipway.DataDir, group)
	cmd.Env = append(os.Environ(), "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	p := atTerminal(t, cmd)
	p.shows(t, "tick 0000")
}

// A role that may not write logs fails the task before it starts.
func TestAWSLogsForbidden(t *testing.T) {
	t.Parallel()
	s := shared
	role := s.role(t, "e2e-no-logs", pulling...)
	task := s.await(t, s.run(t, s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("awslogs-forbidden"), ExecutionRoleArn: &role,
		ContainerDefinitions: []types.ContainerDefinition{toGroup(s.probe(t, "app", "ticks", "100"), "/e2e/forbidden")},
	})), "STOPPED")
	assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: ")
	if want := "assumed-role/e2e-no-logs/" + lastPart(*task.TaskArn) + " is not authorized to perform: logs:CreateLogStream"; !strings.Contains(aws.ToString(task.StoppedReason), want) {
		t.Errorf("the reason lacks %q: %s", want, aws.ToString(task.StoppedReason))
	}
}
