package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	eventStreams = 50
	eventBatch   = 5000 // some 0.7 MB, of the 1 MiB that a request may have
	eventWriters = 4
	// seldom is how many events there are for each that the filter finds.
	seldom = 1000
	// pages that are timed, spread over the time of the events.
	filteredPages = 50
	pageLimit     = 100
)

// eventBench fills a group and reads it again.
type eventBench struct {
	client *cloudwatchlogs.Client
	total  int
	from   time.Time // of the first event; the last is an hour later
	plane  int       // process id
}

// benchEvents: events put by four writers, and filtered by one reader.
func benchEvents(ctx context.Context, o options) error {
	c, err := startCluster(ctx, o, 0)
	if err != nil {
		return err
	}
	defer c.close()
	e := &eventBench{
		client: cloudwatchlogs.NewFromConfig(c.slipway.Config(c.key, region)), plane: c.slipway.Pid(),
		total: o.events, from: time.Now().Add(-90 * time.Minute).Truncate(time.Second),
	}
	fmt.Printf("%d events\n", e.total)
	fmt.Printf("%-34s %9s %9s\n", "", "RSS MiB", "PSS MiB")
	showMemory("control plane before", e.plane)
	if err := e.step("PutLogEvents", func() error { return e.fill(ctx) }); err != nil {
		return err
	}
	showMemory("control plane after the puts", e.plane)
	for _, pattern := range []string{"ERROR", `{ $.level = "ERROR" }`} {
		if err := e.step("FilterLogEvents "+pattern, func() error { return e.scan(ctx, pattern) }); err != nil {
			return err
		}
		if err := e.pages(ctx, pattern); err != nil {
			return err
		}
	}
	showMemory("control plane after the filters", e.plane)
	return nil
}

// step times work on all events, and the CPU time of the control plane.
func (e *eventBench) step(name string, work func() error) error {
	before, err := processCPU(e.plane)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	took := time.Since(begin)
	after, err := processCPU(e.plane)
	if err != nil {
		return err
	}
	fmt.Printf("%-40s %9.0f events/s, %.2f s of the control plane's CPU per million\n",
		name, float64(e.total)/took.Seconds(), (after-before).Seconds()*1e6/float64(e.total))
	return nil
}

func stream(n int) string { return fmt.Sprint("task/", n%eventStreams) }

func (e *eventBench) fill(ctx context.Context) error {
	if _, err := e.client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(logGroup)}); err != nil {
		return err
	}
	for n := range eventStreams {
		_, err := e.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(logGroup), LogStreamName: aws.String(stream(n))})
		if err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var writers sync.WaitGroup
	for range eventWriters {
		writers.Go(func() {
			for ctx.Err() == nil {
				batch := int(next.Add(1)) - 1
				if batch*eventBatch >= e.total {
					return
				}
				if err := e.put(ctx, batch); err != nil {
					cancel(err)
				}
			}
		})
	}
	writers.Wait()
	return context.Cause(ctx)
}

func (e *eventBench) put(ctx context.Context, batch int) error {
	events := make([]types.InputLogEvent, min(eventBatch, e.total-batch*eventBatch))
	for i := range events {
		n := batch*eventBatch + i
		events[i] = types.InputLogEvent{Timestamp: aws.Int64(e.at(n)), Message: aws.String(eventText(n))}
	}
	_, err := e.client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String(logGroup), LogStreamName: aws.String(stream(batch)), LogEvents: events,
	})
	return err
}

// at is the time of an event, in milliseconds.
func (e *eventBench) at(n int) int64 {
	return e.from.Add(time.Duration(float64(time.Hour) * float64(n) / float64(e.total))).UnixMilli()
}

// eventText is a line of some 120 bytes.
func eventText(n int) string {
	level := "INFO"
	if n%seldom == 0 {
		level = "ERROR"
	}
	return fmt.Sprintf(`{"level":%q,"path":"/api/items/%d","status":%d,"ms":%d,"request":"%032x"}`, level, n%997, 200+n%300, n%89, n*2654435761)
}

// scan reads all that matches.
func (e *eventBench) scan(ctx context.Context, pattern string) error {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(e.client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(logGroup), FilterPattern: &pattern})
	found := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		found += len(page.Events)
	}
	if want := (e.total + seldom - 1) / seldom; found != want {
		return fmt.Errorf("%d of %d events found", found, want)
	}
	return nil
}

// pages times pages of matches that begin at different times.
func (e *eventBench) pages(ctx context.Context, pattern string) error {
	var took series
	for i := range filteredPages {
		begin := time.Now()
		out, err := e.client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String(logGroup), FilterPattern: &pattern, Limit: aws.Int32(pageLimit),
			StartTime: aws.Int64(e.at(e.total * i / 2 / filteredPages)),
		})
		if err != nil {
			return err
		}
		took.add(time.Since(begin))
		if left := e.total / 2 / seldom; len(out.Events) < min(pageLimit, left) {
			return fmt.Errorf("a page of %d events", len(out.Events))
		}
	}
	fmt.Printf("%-40s p50 %.1f ms, p95 %.1f ms for a page of %d matches, one in %d\n", "", ms(took.at(.5)), ms(took.at(.95)), pageLimit, seldom)
	return nil
}
