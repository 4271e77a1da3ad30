package settings

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/agent/awscall"
)

// Pauses between attempts, and how long one may take.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
	attemptLimit = 15 * time.Second
)

// retry calls until it is answered for good or patience ends. It returns the
// number of attempts and the last one's error.
func (l *Lookup) retry(ctx context.Context, call func(context.Context) error) (tries int, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Patience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		tries++
		bounded, done := context.WithTimeout(ctx, attemptLimit)
		err = call(bounded)
		done()
		if err == nil || !transient(err) {
			return tries, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return tries, err
		}
	}
}

// transient tells whether another attempt may help.
func transient(err error) bool {
	if e, ok := errors.AsType[*awscall.Error](err); ok {
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests || slices.Contains(throttled, e.Code)
	}
	return awscall.Unanswered(err)
}

// throttled are the codes by which AWS's services ask for patience with a 400.
var throttled = []string{
	"ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
	"RequestThrottled", "RequestThrottledException", "SlowDown", "InternalServiceError", "InternalServerError", "RequestTimeout",
}

// What could not be had.
const (
	retrieval    = "execution resource retrieval failed: "
	noParameters = retrieval + "unable to retrieve secrets from ssm"
	noSecret     = retrieval + "unable to retrieve secret from asm"
	noLogin      = retrieval + "unable to get registry auth from asm"
)

// because words a failed look-up. When the caller has ended it, that is all
// there is to say.
func because(ctx context.Context, what string, tries int, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%s: service call has been retried %d time(s): %w", what, tries, spoken(err))
}

// service is an error of a call, with the words that come before it.
type service struct {
	before string
	err    error
}

func (s *service) Error() string { return s.before + spoken(s.err).Error() }
func (s *service) Unwrap() error { return s.err }

// noNetwork is what AWS adds where nobody answered.
const noNetwork = ". Please check your task network configuration."

// said is an error in AWS's words.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// spoken words an error as AWS's SDK does for Go, which made these texts.
func spoken(err error) error {
	if _, ok := errors.AsType[*service](err); ok {
		return err
	}
	if e, ok := errors.AsType[*awscall.Error](err); ok {
		text := fmt.Sprintf("%s: %s status code: %d, request id: %s", e.Code, e.Message, e.Status, e.RequestID)
		return &said{text, err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &said{"RequestCanceled: request context canceled caused by: context deadline exceeded" + noNetwork, err}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return &said{"RequestError: send request failed caused by: " + e.Error() + noNetwork, err}
	}
	return err
}
