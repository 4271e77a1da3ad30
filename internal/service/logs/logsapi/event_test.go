package logsapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	hour = int64(60 * 60 * 1000)
	day  = 24 * hour
)

func TestPutLimits(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web", "one")
	at := now()
	for _, tc := range []struct {
		name   string
		events []types.InputLogEvent
		text   string
	}{
		{"none", []types.InputLogEvent{}, "length greater than or equal to 1"},
		{"an empty message", []types.InputLogEvent{event(at, "")}, "length greater than or equal to 1"},
		{"a time before 1970", []types.InputLogEvent{event(-1, "x")}, "greater than or equal to 0"},
		{"too many", slices.Repeat([]types.InputLogEvent{event(at, "x")}, 10_001), "length less than or equal to 10000"},
		{"unordered", []types.InputLogEvent{event(at, "x"), event(at-1, "x")}, "Log events in a single PutLogEvents request must be in chronological order."},
		{"more than a day", []types.InputLogEvent{event(at-day-1, "x"), event(at, "x")}, "cannot span more than 24 hours."},
		{"a large event", []types.InputLogEvent{event(at, strings.Repeat("x", 1<<20-25))}, "Log event too large: 1048577 bytes exceeds limit of 1048576"},
		{"a large batch", []types.InputLogEvent{event(at, strings.Repeat("x", 1<<19)), event(at, strings.Repeat("x", 1<<19-51))}, "Upload too large: 1048577 bytes exceeds limit of 1048576"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.PutLogEvents(t.Context(), &sdk.PutLogEventsInput{LogGroupName: new("web"), LogStreamName: new("one"), LogEvents: tc.events})
			wantCode(t, err, "InvalidParameterException", tc.text)
		})
	}
	put(t, c, "web", "one", event(at, strings.Repeat("x", 1<<19)), event(at, strings.Repeat("x", 1<<19-52)))
	put(t, c, "web", "one", slices.Repeat([]types.InputLogEvent{event(at, "x")}, 10_000)...)
	out := put(t, c, "web", "one", event(at-day+1, "x"), event(at, "x"))
	if out.RejectedLogEventsInfo != nil || out.NextSequenceToken == nil {
		t.Errorf("accepted with %+v", out)
	}
}

func TestRejectedEvents(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web", "one")
	at := now()
	check := func(name string, got *types.RejectedLogEventsInfo, old, expired, young *int32) {
		t.Helper()
		same := func(a, b *int32) bool { return a == b || a != nil && b != nil && *a == *b }
		if got == nil {
			got = &types.RejectedLogEventsInfo{}
		}
		if !same(got.TooOldLogEventEndIndex, old) || !same(got.ExpiredLogEventEndIndex, expired) || !same(got.TooNewLogEventStartIndex, young) {
			t.Errorf("%s: rejected %+v", name, got)
		}
	}
	out := put(t, c, "web", "one", event(at-14*day-hour, "old"), event(at-14*day-hour, "old too"), event(at-14*day+hour, "in time"))
	check("old", out.RejectedLogEventsInfo, new(int32(2)), nil, nil)
	out = put(t, c, "web", "one", event(at, "now"), event(at+hour, "soon"), event(at+3*hour, "new"))
	check("new", out.RejectedLogEventsInfo, nil, nil, new(int32(2)))
	if _, err := c.PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: new("web"), RetentionInDays: new(int32(1))}); err != nil {
		t.Fatal(err)
	}
	out = put(t, c, "web", "one", event(at-day-hour, "expired"), event(at-hour, "kept"))
	check("expired", out.RejectedLogEventsInfo, nil, new(int32(1)), nil)
	out = put(t, c, "web", "one", event(at-15*day, "x"))
	check("nothing left", out.RejectedLogEventsInfo, new(int32(1)), new(int32(1)), nil)
	if got := texts(t, c, sdk.FilterLogEventsInput{LogGroupName: new("web")}); !slices.Equal(got, []string{"kept", "now", "soon"}) {
		t.Errorf("events %q: what retention has reached is in sight, or something is lost", got)
	}
	if _, err := c.DeleteRetentionPolicy(t.Context(), &sdk.DeleteRetentionPolicyInput{LogGroupName: new("web")}); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, c, sdk.FilterLogEventsInput{LogGroupName: new("web")}); !slices.Equal(got, []string{"in time", "kept", "now", "soon"}) {
		t.Errorf("events %q", got)
	}
}

// texts are the messages of all pages.
func texts(t *testing.T, c *sdk.Client, in sdk.FilterLogEventsInput) (got []string) {
	t.Helper()
	for p := sdk.NewFilterLogEventsPaginator(c, &in); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			got = append(got, *e.Message)
		}
	}
	return got
}

func TestGetLogEvents(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web", "one", "empty")
	at := now()
	get := func(in sdk.GetLogEventsInput) (*sdk.GetLogEventsOutput, []string) {
		t.Helper()
		in.LogGroupIdentifier, in.LogStreamName = new(groupARN(account, "web")), new("one")
		out, err := c.GetLogEvents(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range out.Events {
			got = append(got, *e.Message)
			if *e.IngestionTime < at {
				t.Errorf("ingested at %d", *e.IngestionTime)
			}
		}
		return out, got
	}
	expect := func(name string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	empty, got := get(sdk.GetLogEventsInput{})
	expect("without events", got)
	for n := range 5 {
		put(t, c, "web", "one", event(at+int64(n), fmt.Sprint(n)))
	}
	_, got = get(sdk.GetLogEventsInput{NextToken: empty.NextForwardToken})
	expect("forward from nothing", got, "0", "1", "2", "3", "4")

	last, got := get(sdk.GetLogEventsInput{Limit: new(int32(2))})
	expect("the newest", got, "3", "4")
	end, got := get(sdk.GetLogEventsInput{NextToken: last.NextForwardToken, StartFromHead: new(true)})
	expect("at the end", got)
	if *end.NextForwardToken != *last.NextForwardToken {
		t.Error("the token at the end is another")
	}
	before, got := get(sdk.GetLogEventsInput{NextToken: last.NextBackwardToken, Limit: new(int32(2))})
	expect("one page back", got, "1", "2")
	_, got = get(sdk.GetLogEventsInput{NextToken: before.NextForwardToken})
	expect("and forth", got, "3", "4")
	first, got := get(sdk.GetLogEventsInput{NextToken: before.NextBackwardToken, Limit: new(int32(2))})
	expect("the oldest", got, "0")
	begin, got := get(sdk.GetLogEventsInput{NextToken: first.NextBackwardToken})
	expect("at the beginning", got)
	if *begin.NextBackwardToken != *first.NextBackwardToken {
		t.Error("the token at the beginning is another")
	}
	put(t, c, "web", "one", event(at+9, "5"))
	_, got = get(sdk.GetLogEventsInput{NextToken: end.NextForwardToken})
	expect("what came later", got, "5")

	_, got = get(sdk.GetLogEventsInput{StartFromHead: new(true), Limit: new(int32(2))})
	expect("from the head", got, "0", "1")
	_, got = get(sdk.GetLogEventsInput{StartTime: new(at + 1), EndTime: new(at + 3)})
	expect("within times", got, "1", "2")

	for _, bad := range []string{"x", "f/", "f/x", "b" + (*end.NextForwardToken)[1:]} {
		_, err := c.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: new("web"), LogStreamName: new("one"), NextToken: &bad})
		wantCode(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
	}
	_, err := c.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: new("web"), LogStreamName: new("empty"), NextToken: end.NextForwardToken})
	wantCode(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestPagesHaveAMegabyte(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web", "one")
	for range 3 {
		put(t, c, "web", "one", event(now(), strings.Repeat("x", 600_000)))
	}
	got, err1 := c.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: new("web"), LogStreamName: new("one")})
	filtered, err2 := c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web")})
	if err1 != nil || err2 != nil || len(got.Events) != 1 || len(filtered.Events) != 1 || filtered.NextToken == nil {
		t.Errorf("%v, %v: %d and %d events", err1, err2, len(got.Events), len(filtered.Events))
	}
}

func TestFilterLogEvents(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web", "task/1", "task/2", "other")
	at := now() - 1000
	put(t, c, "web", "task/1", event(at, "ERROR a"), event(at+4, "fine b"))
	put(t, c, "web", "task/2", event(at+1, `{"level":"ERROR","ms":20}`), event(at+4, "ERROR c"))
	put(t, c, "web", "other", event(at+2, "ERROR d"))
	for _, tc := range []struct {
		name string
		in   sdk.FilterLogEventsInput
		want []string
	}{
		{"all", sdk.FilterLogEventsInput{}, []string{"ERROR a", `{"level":"ERROR","ms":20}`, "ERROR d", "fine b", "ERROR c"}},
		{"in pages", sdk.FilterLogEventsInput{Limit: new(int32(1))}, []string{"ERROR a", `{"level":"ERROR","ms":20}`, "ERROR d", "fine b", "ERROR c"}},
		{"a pattern", sdk.FilterLogEventsInput{FilterPattern: new("ERROR -level")}, []string{"ERROR a", "ERROR d", "ERROR c"}},
		{"a pattern in pages", sdk.FilterLogEventsInput{FilterPattern: new("ERROR -level"), Limit: new(int32(2))}, []string{"ERROR a", "ERROR d", "ERROR c"}},
		{"JSON", sdk.FilterLogEventsInput{FilterPattern: new("{ $.ms > 10 }")}, []string{`{"level":"ERROR","ms":20}`}},
		{"streams", sdk.FilterLogEventsInput{LogStreamNames: []string{"task/2", "other"}}, []string{`{"level":"ERROR","ms":20}`, "ERROR d", "ERROR c"}},
		{"streams in pages", sdk.FilterLogEventsInput{LogStreamNames: []string{"task/2", "other"}, Limit: new(int32(1))}, []string{`{"level":"ERROR","ms":20}`, "ERROR d", "ERROR c"}},
		{"a prefix", sdk.FilterLogEventsInput{LogStreamNamePrefix: new("task/")}, []string{"ERROR a", `{"level":"ERROR","ms":20}`, "fine b", "ERROR c"}},
		{"a prefix of nothing", sdk.FilterLogEventsInput{LogStreamNamePrefix: new("x")}, nil},
		{"times, both included", sdk.FilterLogEventsInput{StartTime: new(at + 1), EndTime: new(at + 2)}, []string{`{"level":"ERROR","ms":20}`, "ERROR d"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.in.LogGroupName = new("web")
			if got := texts(t, c, tc.in); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	out, err := c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web")})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, e := range out.Events {
		ids[*e.EventId] = true
	}
	if first := out.Events[0]; len(ids) != 5 || len(*first.EventId) != 56 || *first.LogStreamName != "task/1" || *first.Timestamp != at ||
		*first.IngestionTime < at || out.SearchedLogStreams == nil || len(out.SearchedLogStreams) != 0 {
		t.Errorf("answer %+v, first %+v", out, first)
	}
	_, err = c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web"), FilterPattern: new("{ $.a")})
	wantCode(t, err, "InvalidParameterException", "Invalid filter pattern")
	_, err = c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web"), LogStreamNames: []string{"other"}, LogStreamNamePrefix: new("o")})
	wantCode(t, err, "InvalidParameterException", "cannot both be specified")
	_, err = c.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: new("web"), NextToken: new("bogus")})
	wantCode(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestManyStreamsByPrefix(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web", "other")
	var want []string
	at := now() - 1000
	for n := range 40 {
		name := fmt.Sprintf("task/%02d", n)
		if _, err := c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: new("web"), LogStreamName: &name}); err != nil {
			t.Fatal(err)
		}
		put(t, c, "web", name, event(at+int64(n), name))
		put(t, c, "web", "other", event(at+int64(n), "other"))
		want = append(want, name)
	}
	if got := texts(t, c, sdk.FilterLogEventsInput{LogGroupName: new("web"), LogStreamNamePrefix: new("task/"), Limit: new(int32(7))}); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A group or stream that is made again shows nothing of the old one.
func TestMadeAgain(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web", "one", "two")
	at := now()
	put(t, c, "web", "one", event(at, "old one"))
	put(t, c, "web", "two", event(at, "old two"))
	if _, err := c.DeleteLogStream(t.Context(), &sdk.DeleteLogStreamInput{LogGroupName: new("web"), LogStreamName: new("one")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: new("web"), LogStreamName: new("one")}); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, c, sdk.FilterLogEventsInput{LogGroupName: new("web")}); !slices.Equal(got, []string{"old two"}) {
		t.Errorf("after the stream: %q", got)
	}
	if _, err := c.PutMetricFilter(t.Context(), metricFilter("f", "ERROR")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteLogGroup(t.Context(), &sdk.DeleteLogGroupInput{LogGroupName: new("web")}); err != nil {
		t.Fatal(err)
	}
	makeStreams(t, c, "web", "two")
	streams, err := c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: new("web")})
	if err != nil || len(streams.LogStreams) != 1 || streams.LogStreams[0].LastEventTimestamp != nil {
		t.Errorf("streams %+v, %v", streams, err)
	}
	if got := texts(t, c, sdk.FilterLogEventsInput{LogGroupName: new("web")}); got != nil {
		t.Errorf("after the group: %q", got)
	}
	filters, err := c.DescribeMetricFilters(t.Context(), &sdk.DescribeMetricFiltersInput{})
	if err != nil || len(filters.MetricFilters) != 0 {
		t.Errorf("metric filters %+v, %v", filters, err)
	}
}

func metricFilter(name, pattern string) *sdk.PutMetricFilterInput {
	return &sdk.PutMetricFilterInput{
		LogGroupName: new("web"), FilterName: &name, FilterPattern: &pattern,
		MetricTransformations: []types.MetricTransformation{{
			MetricName: new("Errors-" + name), MetricNamespace: new("Web"), MetricValue: new("1"), DefaultValue: new(0.0), Unit: types.StandardUnitCount,
		}},
	}
}

func TestMetricFilters(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	makeStreams(t, c, "web")
	makeStreams(t, c, "other")
	for _, f := range []string{"b", "a", "ab"} {
		if _, err := c.PutMetricFilter(t.Context(), metricFilter(f, "ERROR")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.PutMetricFilter(t.Context(), metricFilter("b", "{ $.a = 1 }")); err != nil {
		t.Fatal(err)
	}
	list := func(in sdk.DescribeMetricFiltersInput) (names []string) {
		t.Helper()
		for p := sdk.NewDescribeMetricFiltersPaginator(c, &in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.MetricFilters {
				names = append(names, *f.FilterName+" "+*f.FilterPattern+" "+*f.MetricTransformations[0].MetricName)
			}
		}
		return names
	}
	for _, tc := range []struct {
		name string
		in   sdk.DescribeMetricFiltersInput
		want []string
	}{
		{"all", sdk.DescribeMetricFiltersInput{Limit: new(int32(2))}, []string{"a ERROR Errors-a", "ab ERROR Errors-ab", "b { $.a = 1 } Errors-b"}},
		{"of a group", sdk.DescribeMetricFiltersInput{LogGroupName: new("other")}, nil},
		{"by prefix", sdk.DescribeMetricFiltersInput{LogGroupName: new("web"), FilterNamePrefix: new("a")}, []string{"a ERROR Errors-a", "ab ERROR Errors-ab"}},
		{"of a metric", sdk.DescribeMetricFiltersInput{MetricName: new("Errors-ab"), MetricNamespace: new("Web")}, []string{"ab ERROR Errors-ab"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := list(tc.in); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	groups, err := c.DescribeLogGroups(t.Context(), &sdk.DescribeLogGroupsInput{LogGroupNamePrefix: new("web")})
	if err != nil || *groups.LogGroups[0].MetricFilterCount != 3 {
		t.Errorf("group %+v, %v", groups, err)
	}
	_, err = c.PutMetricFilter(t.Context(), metricFilter("bad", "{ $.a"))
	wantCode(t, err, "InvalidParameterException", "Invalid filter pattern")
	both := metricFilter("bad", "")
	both.MetricTransformations[0].Dimensions = map[string]string{"a": "$.a"}
	_, err = c.PutMetricFilter(t.Context(), both)
	wantCode(t, err, "InvalidParameterException", "mutually exclusive")
	if _, err := c.DeleteMetricFilter(t.Context(), &sdk.DeleteMetricFilterInput{LogGroupName: new("web"), FilterName: new("a")}); err != nil {
		t.Error(err)
	}
	_, err = c.DeleteMetricFilter(t.Context(), &sdk.DeleteMetricFilterInput{LogGroupName: new("web"), FilterName: new("a")})
	wantCode(t, err, "ResourceNotFoundException", "The specified metric filter does not exist.")
}

func TestTestMetricFilter(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	out, err := c.TestMetricFilter(t.Context(), &sdk.TestMetricFilterInput{
		FilterPattern: new("[ip, status = 5*]"), LogEventMessages: []string{"a 200", "b 503", "c"},
	})
	if err != nil || len(out.Matches) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if m := out.Matches[0]; m.EventNumber != 2 || *m.EventMessage != "b 503" || m.ExtractedValues["$ip"] != "b" || m.ExtractedValues["$status"] != "503" {
		t.Errorf("match %+v", m)
	}
}
