package logdriver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var inGroup = []string{"awslogs-group", "g", "awslogs-region", "eu-west-1", "awslogs-stream", "web/main/1", "awslogs-force-flush-interval-seconds", "1"}

const stream = "g web/main/1"

func TestLinesArrive(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "non-blocking"} {
		t.Run(mode, func(t *testing.T) {
			s := newService(t, "g")
			r := start(t, t.TempDir(), s)
			before := time.Now()
			path := r.open("awslogs", append(inGroup, "mode", mode)...)
			appendText(t, path, "one\n\ntw")
			appendText(t, path, "o\nthree\xff\n")
			s.until("three lines", func() bool { return len(s.texts(stream)) == 3 })
			appendText(t, path, "no end")
			if err := r.Close(testID); err != nil {
				t.Error(err)
			}
			s.until("the rest", func() bool { return len(s.texts(stream)) == 4 })
			if got := s.texts(stream); !slices.Equal(got, []string{"one", "two", "three\uFFFD", "no end"}) {
				t.Errorf("events %q", got)
			}
			for _, e := range s.events(stream) {
				if at := time.UnixMilli(e.Millis); at.Before(before.Truncate(time.Millisecond)) || at.After(time.Now()) {
					t.Errorf("event is of %v", at)
				}
			}
			if got := read(t, r.Path(testID), 0); got != "one\n\ntwo\nthree\xff\nno end" {
				t.Errorf("local copy %q", got)
			}
			if err := r.Remove(testID); err != nil {
				t.Error(err)
			}
			s.until("no files", func() bool { return len(files(t, r.dir)) == 0 })
		})
	}
}

func TestGroupIsMissing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	r := start(t, t.TempDir(), s)
	_, err := r.Open(t.Context(), Container{ID: testID}, "awslogs", pairs(inGroup))
	want := "failed to initialize logging driver: failed to create Cloudwatch log stream: operation error CloudWatch Logs: CreateLogStream, ResourceNotFoundException: The specified log group does not exist."
	if err == nil || err.Error() != want || CodeOf(err) != "ResourceNotFoundException" {
		t.Errorf("error %v", err)
	}
	if got := files(t, r.dir); len(got) > 0 {
		t.Errorf("files %v are left", got)
	}
	r.open("awslogs", append(inGroup, "awslogs-create-group", "true")...)
	if !s.groups["g"] {
		t.Error("the group was not made")
	}
}

func TestServiceIsAwayAtStart(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	s := newService(t, "g")
	s.failAll = away
	r := start(t, t.TempDir(), s)
	if _, err := r.Open(t.Context(), Container{ID: testID}, "awslogs", pairs(append(inGroup, "mode", "blocking"))); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
	appendText(t, r.open("awslogs", inGroup...), "one\n")
	s.set(func() { s.failAll = nil })
	s.until("the line", func() bool { return len(s.texts(stream)) == 1 })
}

func TestStreamAndGroupGoAway(t *testing.T) {
	t.Parallel()
	s := newService(t, "g")
	r := start(t, t.TempDir(), s)
	path := r.open("awslogs", inGroup...)
	s.set(func() { delete(s.streams, stream) })
	appendText(t, path, "one\n")
	s.until("the line", func() bool { return len(s.texts(stream)) == 1 })
	s.set(func() { delete(s.streams, stream); delete(s.groups, "g"); s.calls = nil })
	appendText(t, path, "two\n")
	s.until("the drop", func() bool {
		n, err := readAcked((&output{dir: r.dir, rec: record{Container: Container{ID: testID}}}).state(".acked"))
		return err == nil && n == 8
	})
	if got := strings.Join(s.calls, " "); got != "PutLogEvents CreateLogStream" {
		t.Errorf("calls %s", got)
	}
}

func TestAnswersOfPut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"throttled", awsError{"ThrottlingException", "Rate exceeded"}, []string{"one", "two"}},
		{"away", errors.New("no route to host"), []string{"one", "two"}},
		{"credentials expired", awsError{"ExpiredTokenException", "expired"}, []string{"one", "two"}},
		{"accepted before", awsError{"DataAlreadyAcceptedException", "again"}, []string{"two"}},
		{"refused", awsError{"InvalidParameterException", "no"}, []string{"two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "g")
			r := start(t, t.TempDir(), s)
			path := r.open("awslogs", inGroup...)
			s.set(func() { s.fail = []error{c.err}; s.calls = nil })
			appendText(t, path, "one\n")
			s.until("a call", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.calls) > 0 })
			appendText(t, path, "two\n")
			s.until("the lines", func() bool { return slices.Equal(s.texts(stream), c.want) })
		})
	}
}

func TestEvents(t *testing.T) {
	at := time.Now()
	var lines []line
	for _, text := range []string{"a 1", "x", "a 2", "", "y", "a 3"} {
		lines = append(lines, line{text: text, at: at})
	}
	begins, err := eventPattern(map[string]string{"awslogs-multiline-pattern": "^a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		final bool
		wait  time.Duration
		taken int
		want  []string
	}{
		{"the last may go on", false, time.Hour, 5, []string{"a 1\nx\n", "a 2\n\ny\n"}},
		{"the last has waited", false, 0, 6, []string{"a 1\nx\n", "a 2\n\ny\n", "a 3\n"}},
		{"nothing will come", true, time.Hour, 6, []string{"a 1\nx\n", "a 2\n\ny\n", "a 3\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b batch
			if taken := b.fill(lines, begins, c.wait, c.final); taken != c.taken {
				t.Errorf("%d taken", taken)
			}
			var got []string
			for _, e := range b.events {
				got = append(got, e.Message)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("events %q", got)
			}
		})
	}
}

func TestBatchLimits(t *testing.T) {
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	fill := func(n int, text string, step time.Duration) (lines []line) {
		for i := range n {
			lines = append(lines, line{text: text, at: day.Add(time.Duration(i) * step)})
		}
		return lines
	}
	for _, c := range []struct {
		name          string
		lines         []line
		taken, events int
	}{
		{"number", fill(10_001, "x", 0), 10_000, 10_000},
		{"bytes", fill(1100, strings.Repeat("x", 1000), 0), 1022, 1022},
		{"bytes as they become valid", fill(1100, strings.Repeat("\xff", 1000), 0), 346, 346},
		{"a day", fill(30, "x", time.Hour), 24, 24},
		{"back in time", fill(3, "x", -time.Second), 1, 1},
		{"empty", fill(3, "", 0), 3, 0},
		{"one too long", fill(1, strings.Repeat("é", 200_000), 0), 1, 2},
		{"one far too long", fill(1, strings.Repeat("\xff", maxEvent), 0), 1, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b batch
			if taken := b.fill(c.lines, nil, 0, false); taken != c.taken || len(b.events) != c.events {
				t.Errorf("%d taken to %d events", taken, len(b.events))
			}
			if c.events > 0 && len(b.events) > 0 {
				newService(t).check(putEvents{Events: b.events})
			}
		})
	}
}

func TestDatetimeFormat(t *testing.T) {
	for _, c := range []struct{ format, matches, not string }{
		{`\[%b %d, %Y %H:%M:%S\]`, "[May 01, 2017 19:00:01] A message", "  May 01, 2017 19:00:01"},
		{"%Y-%m-%d %H:%M:%S%L", "2026-11-22 16:38:15.123 x", "2026-13-22 16:38:15.123 x"},
		{"%a %A %w %y %I %p", "Mon Monday 1 26 12 PM", "Mon Moonday 1 26 12 PM"},
		{"%B %j %f %z %Z", "June 366 000001 +0200 EST", "June 367 000001 +0200 EST"},
	} {
		re, err := eventPattern(map[string]string{"awslogs-datetime-format": c.format})
		if err != nil {
			t.Fatal(err)
		}
		if !re.MatchString(c.matches) || re.MatchString(c.not) {
			t.Errorf("%s became %s", c.format, re)
		}
	}
}

func TestAWSLogsOptions(t *testing.T) {
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"awslogs-region", "r"}, "must specify a value for log opt 'awslogs-group'"},
		{[]string{"awslogs-group", "g", "nope", "1"}, "unknown log opt 'nope' for awslogs log driver"},
		{[]string{"awslogs-group", "g", "awslogs-datetime-format", "%Y", "awslogs-multiline-pattern", "x"}, "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time"},
		{[]string{"awslogs-group", "g", "awslogs-create-group", "maybe"}, `must specify valid value for log opt 'awslogs-create-group': strconv.ParseBool: parsing "maybe": invalid syntax`},
		{[]string{"awslogs-group", "g", "awslogs-force-flush-interval-seconds", "0"}, "must specify a positive integer for log opt 'awslogs-force-flush-interval-seconds': 0"},
		{[]string{"awslogs-group", "g", "mode", "maybe"}, "logger: logging mode not supported: maybe"},
		{[]string{"awslogs-group", "g", "mode", "blocking", "max-buffer-size", "1m"}, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"},
		{[]string{"awslogs-group", "g", "mode", "non-blocking", "max-buffer-size", "1x"}, "error parsing option max-buffer-size: invalid size: '1x'"},
		{[]string{"awslogs-group", "g", "awslogs-multiline-pattern", "("}, "awslogs could not parse multiline pattern key \"(\": error parsing regexp: missing closing ): `(`"},
		{append(inGroup, "mode", "non-blocking", "max-buffer-size", "25m"), ""},
	} {
		if err := validate("awslogs", pairs(c.options)); fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%v: %v", c.options, err)
		}
	}
}
