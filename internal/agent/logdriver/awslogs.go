package logdriver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// awsLogs sends to one stream of CloudWatch Logs.
type awsLogs struct {
	call        Call
	log         *slog.Logger
	group       string
	stream      string
	createGroup bool
	skipStream  bool // the stream is made by others
	begins      *regexp.Regexp
	interval    time.Duration
	blocking    bool

	gone time.Time // when the group was last found missing
	put  putEvents
}

// whileGone is how long lines are dropped without asking whether a deleted group
// is there again.
const whileGone = 5 * time.Second

func newAWSLogs(rec record, logs func(region, credentialsID string) Call, log *slog.Logger) (*awsLogs, error) {
	if logs == nil {
		return nil, errors.New("logger: no log driver named 'awslogs' is registered")
	}
	a, err := parseAWSLogs(rec)
	if err != nil {
		return nil, err
	}
	endpoint := rec.Options["awslogs-credentials-endpoint"]
	a.call = logs(rec.Options["awslogs-region"], endpoint[strings.LastIndexByte(endpoint, '/')+1:])
	a.log = log.With("group", a.group, "stream", a.stream)
	a.put.Group, a.put.Stream = a.group, a.stream
	return a, nil
}

func (a *awsLogs) limits() limits { return limits{line: maxEvent, interval: a.interval} }

func (a *awsLogs) close() error { return nil }

// prepare makes the stream, and the group if asked to. A service that is away
// fails only a container whose log blocks, as with Docker; a refusal fails any,
// as it does on Fargate.
func (a *awsLogs) prepare(ctx context.Context) error {
	limit := 3 * time.Second
	if a.blocking {
		limit = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := a.create(ctx)
	for wait := firstRetry; err != nil && passing(err) && wait < 4*firstRetry; wait *= 2 {
		rest(ctx, wait)
		err = a.create(ctx)
	}
	if err != nil && passing(err) && !a.blocking {
		a.log.Warn("log service is away; the log is sent when it is back", "error", err)
		return nil
	}
	return err
}

// create makes the stream and perhaps the group; that they exist is fine.
func (a *awsLogs) create(ctx context.Context) error {
	if a.skipStream {
		return nil
	}
	err := a.createStream(ctx)
	if CodeOf(err) == "ResourceNotFoundException" && a.createGroup {
		if err := a.invoke(ctx, "CreateLogGroup", createGroup{a.group}); err != nil && CodeOf(err) != "ResourceAlreadyExistsException" {
			return fmt.Errorf("failed to create Cloudwatch log group: %w", err)
		}
		err = a.createStream(ctx)
	}
	if err != nil {
		return fmt.Errorf("failed to create Cloudwatch log stream: %w", err)
	}
	return nil
}

func (a *awsLogs) createStream(ctx context.Context) error {
	err := a.invoke(ctx, "CreateLogStream", createStream{a.group, a.stream})
	if CodeOf(err) == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

func (a *awsLogs) invoke(ctx context.Context, operation string, in any) error {
	if err := a.call(ctx, operation, in, new(struct{})); err != nil {
		return refusal(operation, err)
	}
	return nil
}

// passing tells whether an error may be gone when the call is made again.
func passing(err error) bool {
	switch CodeOf(err) {
	case "ResourceNotFoundException", "InvalidParameterException", "AccessDeniedException", "LimitExceededException",
		"UnrecognizedClientException", "InvalidSignatureException", "ValidationException":
		return false
	}
	return true
}

// send puts one batch.
func (a *awsLogs) send(ctx context.Context, lines []line, final bool) (int, error) {
	a.put.Events = a.put.Events[:0]
	b := batch{events: a.put.Events}
	taken := b.fill(lines, a.begins, a.interval, final)
	a.put.Events = b.events
	defer a.release()
	if len(b.events) == 0 || time.Since(a.gone) < whileGone {
		return taken, nil
	}
	if err := a.putEvents(ctx); err != nil {
		return 0, err
	}
	return taken, nil
}

// release lets go of the text, and of the slice if it has become large.
func (a *awsLogs) release() {
	clear(a.put.Events)
	if cap(a.put.Events) > 1000 {
		a.put.Events = nil
	}
}

// putEvents has no error if the events are taken or can never be.
func (a *awsLogs) putEvents(ctx context.Context) error {
	err := a.putOnce(ctx)
	if CodeOf(err) == "ResourceNotFoundException" {
		if err = a.create(ctx); err == nil {
			err = a.putOnce(ctx)
		}
	}
	switch CodeOf(err) {
	case "DataAlreadyAcceptedException":
		return nil
	case "ResourceNotFoundException":
		if a.gone.IsZero() {
			a.log.Warn("log dropped: its log group is gone", "error", err)
		}
		a.gone = time.Now()
		return nil
	case "InvalidParameterException":
		a.log.Warn("log dropped: the service refuses it", "events", len(a.put.Events), "error", err)
		return nil
	}
	if err == nil {
		a.gone = time.Time{}
	}
	return err
}

func (a *awsLogs) putOnce(ctx context.Context) error {
	var out putAnswer
	if err := a.call(ctx, "PutLogEvents", &a.put, &out); err != nil {
		return err
	}
	if r := out.Rejected; r != nil {
		a.log.Warn("log events rejected", "events", len(a.put.Events), "tooNewFrom", r.TooNewFrom, "tooOldTo", r.TooOldTo, "expiredTo", r.ExpiredTo)
	}
	return nil
}
