package logdriver

import (
	"errors"
	"fmt"
)

// coded is what an error with AWS's code has, also those of AWS's SDKs.
type coded interface {
	error
	ErrorCode() string
}

// CodeOf is AWS's code in an error of a Call, such as
// "ResourceNotFoundException"; "" if the call did not get an answer.
func CodeOf(err error) string {
	if e, ok := errors.AsType[coded](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// refusal words an error of CloudWatch Logs as Docker's driver shows the SDK's.
func refusal(operation string, err error) error {
	text := err.Error()
	if e, ok := errors.AsType[coded](err); ok {
		text = e.Error()
		if m, ok := errors.AsType[interface {
			error
			ErrorMessage() string
		}](err); ok {
			text = e.ErrorCode() + ": " + m.ErrorMessage()
		}
	}
	return &callError{text: fmt.Sprintf("operation error CloudWatch Logs: %s, %s", operation, text), cause: err}
}

type callError struct {
	text  string
	cause error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.cause }

type createGroup struct {
	Group string `json:"logGroupName"`
}

type createStream struct {
	Group  string `json:"logGroupName"`
	Stream string `json:"logStreamName"`
}

type putEvents struct {
	Group  string  `json:"logGroupName"`
	Stream string  `json:"logStreamName"`
	Events []event `json:"logEvents"`
}

type event struct {
	Millis  int64  `json:"timestamp"`
	Message string `json:"message"`
}

type putAnswer struct {
	Rejected *struct {
		TooNewFrom *int `json:"tooNewLogEventStartIndex"`
		TooOldTo   *int `json:"tooOldLogEventEndIndex"`
		ExpiredTo  *int `json:"expiredLogEventEndIndex"`
	} `json:"rejectedLogEventsInfo"`
}
