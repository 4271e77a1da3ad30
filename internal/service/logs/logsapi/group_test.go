package logsapi_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

func TestGroups(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	for _, name := range []string{"/ecs/web", "/ecs/api", "/ecs-old", "/lambda/web", "other.1"} {
		makeStreams(t, c, name)
	}
	if _, err := c.PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: new("/ecs/api"), RetentionInDays: new(int32(7))}); err != nil {
		t.Fatal(err)
	}
	list := func(in sdk.DescribeLogGroupsInput) (names []string, pages int) {
		t.Helper()
		for p := sdk.NewDescribeLogGroupsPaginator(c, &in); p.HasMorePages(); pages++ {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range page.LogGroups {
				names = append(names, *g.LogGroupName)
			}
		}
		return names, pages
	}
	for _, tc := range []struct {
		name  string
		in    sdk.DescribeLogGroupsInput
		want  []string
		pages int
	}{
		{"all", sdk.DescribeLogGroupsInput{}, []string{"/ecs-old", "/ecs/api", "/ecs/web", "/lambda/web", "other.1"}, 1},
		{"in pages", sdk.DescribeLogGroupsInput{Limit: new(int32(2))}, []string{"/ecs-old", "/ecs/api", "/ecs/web", "/lambda/web", "other.1"}, 3},
		{"by prefix", sdk.DescribeLogGroupsInput{LogGroupNamePrefix: new("/ecs/")}, []string{"/ecs/api", "/ecs/web"}, 1},
		{"prefix in pages", sdk.DescribeLogGroupsInput{LogGroupNamePrefix: new("/ecs"), Limit: new(int32(1))}, []string{"/ecs-old", "/ecs/api", "/ecs/web"}, 3},
		{"by part", sdk.DescribeLogGroupsInput{LogGroupNamePattern: new("web")}, []string{"/ecs/web", "/lambda/web"}, 1},
		{"part with another case", sdk.DescribeLogGroupsInput{LogGroupNamePattern: new("Web")}, nil, 1},
		{"by identifier", sdk.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"other.1", groupARN(account, "/ecs/web")}}, []string{"/ecs/web", "other.1"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, pages := list(tc.in); !slices.Equal(got, tc.want) || pages != tc.pages {
				t.Errorf("%d pages with %q, want %d with %q", pages, got, tc.pages, tc.want)
			}
		})
	}
	_, err := c.DescribeLogGroups(t.Context(), &sdk.DescribeLogGroupsInput{LogGroupNamePrefix: new("a"), LogGroupNamePattern: new("b")})
	wantCode(t, err, "InvalidParameterException", "mutually exclusive")

	out, err := c.DescribeLogGroups(t.Context(), &sdk.DescribeLogGroupsInput{LogGroupNamePrefix: new("/ecs/api")})
	if err != nil {
		t.Fatal(err)
	}
	g := out.LogGroups[0]
	if *g.Arn != groupARN(account, "/ecs/api")+":*" || *g.LogGroupArn != groupARN(account, "/ecs/api") || *g.RetentionInDays != 7 ||
		g.LogGroupClass != types.LogGroupClassStandard || *g.MetricFilterCount != 0 || *g.StoredBytes != 0 || *g.CreationTime < now()-60_000 {
		t.Errorf("group is %+v", g)
	}
	short, err := c.ListLogGroups(t.Context(), &sdk.ListLogGroupsInput{LogGroupNamePattern: new("^/ecs/|other")})
	if err != nil || len(short.LogGroups) != 3 || *short.LogGroups[2].LogGroupName != "other.1" {
		t.Errorf("listed %+v, %v", short, err)
	}
	stranger, _ := e.account(t)
	if out, err := stranger.DescribeLogGroups(t.Context(), &sdk.DescribeLogGroupsInput{}); err != nil || len(out.LogGroups) != 0 {
		t.Errorf("another account sees %v, %v", out.LogGroups, err)
	}
}

func TestRefusedGroups(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web", "one")
	_, err := c.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: new("web")})
	wantCode(t, err, "ResourceAlreadyExistsException", "The specified log group already exists")
	_, err = c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: new("web"), LogStreamName: new("one")})
	wantCode(t, err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	_, err = c.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: new("web app")})
	wantCode(t, err, "InvalidParameterException", "1 validation error detected: Value 'web app' at 'logGroupName' failed to satisfy constraint")
	_, err = c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: new("web"), LogStreamName: new("a:b")})
	wantCode(t, err, "InvalidParameterException", "'logStreamName'")
	_, err = c.PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: new("web"), RetentionInDays: new(int32(2))})
	wantCode(t, err, "InvalidParameterException", "Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5,")
	_, err = c.PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: new("web"), RetentionInDays: new(int32(0))})
	wantCode(t, err, "InvalidParameterException", "Value '0' at 'retentionInDays'")
	for name, do := range map[string]func() error{
		"delete group": func() error {
			_, err := c.DeleteLogGroup(t.Context(), &sdk.DeleteLogGroupInput{LogGroupName: new("none")})
			return err
		},
		"create stream": func() error {
			_, err := c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: new("none"), LogStreamName: new("s")})
			return err
		},
		"streams": func() error {
			_, err := c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: new("none")})
			return err
		},
		"filter": func() error {
			_, err := c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupIdentifier: new(groupARN(account, "none"))})
			return err
		},
		"filter elsewhere": func() error {
			_, err := c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupIdentifier: new(groupARN("000000000000", "web"))})
			return err
		},
		"retention": func() error {
			_, err := c.DeleteRetentionPolicy(t.Context(), &sdk.DeleteRetentionPolicyInput{LogGroupName: new("none")})
			return err
		},
		"tags": func() error {
			_, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: new(groupARN(account, "none"))})
			return err
		},
		"tail": func() error {
			_, err := c.StartLiveTail(t.Context(), &sdk.StartLiveTailInput{LogGroupIdentifiers: []string{groupARN(account, "none")}}, atTheEndpoint)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, do(), "ResourceNotFoundException", "The specified log group does not exist.")
		})
	}
	for name, do := range map[string]func() error{
		"get": func() error {
			_, err := c.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: new("web"), LogStreamName: new("none")})
			return err
		},
		"put": func() error {
			_, err := c.PutLogEvents(t.Context(), &sdk.PutLogEventsInput{
				LogGroupName: new("web"), LogStreamName: new("none"), LogEvents: []types.InputLogEvent{event(now(), "x")},
			})
			return err
		},
		"filter": func() error {
			_, err := c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web"), LogStreamNames: []string{"one", "none"}})
			return err
		},
		"delete": func() error {
			_, err := c.DeleteLogStream(t.Context(), &sdk.DeleteLogStreamInput{LogGroupName: new("web"), LogStreamName: new("none")})
			return err
		},
	} {
		t.Run("stream: "+name, func(t *testing.T) {
			wantCode(t, do(), "ResourceNotFoundException", "The specified log stream does not exist.")
		})
	}
	_, err = c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{})
	wantCode(t, err, "InvalidParameterException", "logGroupIdentifier")
	_, err = c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web"), LogGroupIdentifier: new("web")})
	wantCode(t, err, "InvalidParameterException", "cannot be specified together")
}

func TestDeletionProtection(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	if _, err := c.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: new("kept"), DeletionProtectionEnabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	_, err := c.DeleteLogGroup(t.Context(), &sdk.DeleteLogGroupInput{LogGroupName: new("kept")})
	wantCode(t, err, "ValidationException", "deletion protection")
	if _, err := c.PutLogGroupDeletionProtection(t.Context(), &sdk.PutLogGroupDeletionProtectionInput{
		LogGroupIdentifier: new("kept"), DeletionProtectionEnabled: new(false),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteLogGroup(t.Context(), &sdk.DeleteLogGroupInput{LogGroupName: new("kept")}); err != nil {
		t.Error(err)
	}
}

func TestTags(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	if _, err := c.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: new("web"), Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	arn := groupARN(account, "web")
	if _, err := c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"b": "3", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "unknown"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TagLogGroup(t.Context(), &sdk.TagLogGroupInput{LogGroupName: new("web"), Tags: map[string]string{"d": "4"}}); err != nil { //nolint:staticcheck // clients still call it
		t.Fatal(err)
	}
	if _, err := c.UntagLogGroup(t.Context(), &sdk.UntagLogGroupInput{LogGroupName: new("web"), Tags: []string{"c"}}); err != nil { //nolint:staticcheck // clients still call it
		t.Fatal(err)
	}
	want := map[string]string{"b": "3", "d": "4"}
	out, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil || !maps.Equal(out.Tags, want) {
		t.Errorf("tags %v, %v", out, err)
	}
	old, err := c.ListTagsLogGroup(t.Context(), &sdk.ListTagsLogGroupInput{LogGroupName: new("web")}) //nolint:staticcheck // clients still call it
	if err != nil || !maps.Equal(old.Tags, want) {
		t.Errorf("tags %v, %v", old, err)
	}
	many := map[string]string{}
	for n := range 49 {
		many[fmt.Sprint("k", n)] = ""
	}
	_, err = c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &arn, Tags: many})
	wantCode(t, err, "TooManyTagsException", "50")
	_, err = c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"aws:mine": ""}})
	wantCode(t, err, "InvalidParameterException", "aws:")
	_, err = c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: new("arn:aws:ecs:eu-west-1:1:cluster/web"), Tags: map[string]string{"a": ""}})
	wantCode(t, err, "InvalidParameterException", "ARN")
}

func TestStreams(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web", "a/1", "a-1", "b", "c")
	at := now() - 5000
	put(t, c, "web", "b", event(at, "first"), event(at+1000, "last"))
	put(t, c, "web", "a-1", event(at+3000, "only"))
	list := func(in sdk.DescribeLogStreamsInput) (names []string) {
		t.Helper()
		in.LogGroupName = new("web")
		for p := sdk.NewDescribeLogStreamsPaginator(c, &in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.LogStreams {
				names = append(names, *s.LogStreamName)
			}
		}
		return names
	}
	for _, tc := range []struct {
		name string
		in   sdk.DescribeLogStreamsInput
		want []string
	}{
		{"by name", sdk.DescribeLogStreamsInput{}, []string{"a-1", "a/1", "b", "c"}},
		{"by name in pages", sdk.DescribeLogStreamsInput{Limit: new(int32(1))}, []string{"a-1", "a/1", "b", "c"}},
		{"backward in pages", sdk.DescribeLogStreamsInput{Limit: new(int32(3)), Descending: new(true)}, []string{"c", "b", "a/1", "a-1"}},
		{"by prefix", sdk.DescribeLogStreamsInput{LogStreamNamePrefix: new("a/")}, []string{"a/1"}},
		{"by last event", sdk.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}, []string{"a/1", "c", "b", "a-1"}},
		{"latest first in pages", sdk.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Descending: new(true), Limit: new(int32(1))}, []string{"a-1", "b", "c", "a/1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := list(tc.in); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	_, err := c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{
		LogGroupName: new("web"), OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: new("a"),
	})
	wantCode(t, err, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	_, err = c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: new("web"), NextToken: new("bogus")})
	wantCode(t, err, "InvalidParameterException", "The specified nextToken is invalid.")

	out, err := c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupIdentifier: new(groupARN(account, "web"))})
	if err != nil {
		t.Fatal(err)
	}
	b, empty := out.LogStreams[2], out.LogStreams[3]
	if *b.Arn != groupARN(account, "web")+":log-stream:b" || *b.FirstEventTimestamp != at || *b.LastEventTimestamp != at+1000 ||
		*b.LastIngestionTime < at || *b.StoredBytes != 0 || b.UploadSequenceToken == nil { //nolint:staticcheck // clients still read it
		t.Errorf("stream is %+v", b)
	}
	if empty.FirstEventTimestamp != nil || empty.LastEventTimestamp != nil || empty.LastIngestionTime != nil || empty.UploadSequenceToken != nil {
		t.Errorf("a stream without events is %+v", empty)
	}
}
