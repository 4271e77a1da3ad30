// Package awscall calls AWS operations of the awsJson 1.1 protocol, signed with
// whatever credentials the caller says: the instance's own, or those of a task's
// role.
//
// It owns the encoding of one call and the reading of its errors. It promises
// that an answer is read within bounds of size and time, and that an error of
// the service is an [*Error]. It refuses to retry: what is worth another attempt
// only its caller knows ([Unanswered] helps).
package awscall

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const (
	// roundTrip is the ECS agent's limit for one API call.
	roundTrip = 42 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 8 << 20
)

// Client calls one endpoint. It is safe for concurrent use.
type Client struct {
	Endpoint  string // URL without a path
	UserAgent string
	HTTP      *http.Client
}

// New makes a client of an endpoint; one without a scheme is https, as the ECS
// agent reads ECS_BACKEND_HOST. hc nil is a client of its own.
func New(endpoint, userAgent string, hc *http.Client) *Client {
	endpoint = strings.TrimRight(endpoint, "/")
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	if hc == nil {
		hc = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	return &Client{Endpoint: endpoint, UserAgent: userAgent, HTTP: hc}
}

// Service is the client of another service of the same provider. On AWS each has
// an endpoint of its own; elsewhere one answers for all.
func (c *Client) Service(name, region string) *Client {
	u, err := url.Parse(c.Endpoint)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".amazonaws.com") {
		return c
	}
	return &Client{Endpoint: "https://" + name + "." + region + ".amazonaws.com", UserAgent: c.UserAgent, HTTP: c.HTTP}
}

// Error is an error that the service answered.
type Error struct {
	Status    int    // of HTTP
	Code      string // without namespace
	Message   string
	RequestID string
}

// Error is the code and the message.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// ErrorCode is Code, as AWS's SDKs name it.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage is Message, as AWS's SDKs name it.
func (e *Error) ErrorMessage() string { return e.Message }

// Code is the service's error code, empty for other errors.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// Unanswered tells whether something failed because nobody answered, or not to
// the end.
func Unanswered(err error) bool {
	_, broken := errors.AsType[net.Error](err)
	return broken || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// JSON does one operation: target is its X-Amz-Target, service and region are
// what the request is signed for. out is what the answer's JSON is read into.
func (c *Client) JSON(ctx context.Context, service, target, region string, creds sigv4.Credentials, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", target, err)
	}
	ctx, cancel := context.WithTimeout(ctx, roundTrip)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", target, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("User-Agent", c.UserAgent)
	sigv4.Sign(req, body, creds, region, service, time.Now())
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", target, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("call %s: read answer: %w", target, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("call %s: %w", target, readError(resp, answer))
	}
	if len(answer) == 0 { // of an operation without output
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("call %s: decode answer: %w", target, err)
	}
	return nil
}

func readError(resp *http.Response, answer []byte) *Error {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	// An answer that is no JSON is of something in between, such as a proxy.
	_ = json.Unmarshal(answer, &body)
	kind := cmp.Or(body.Type, resp.Header.Get("X-Amzn-Errortype"), http.StatusText(resp.StatusCode))
	kind, _, _ = strings.Cut(kind, ":")
	return &Error{
		Status: resp.StatusCode, Code: kind[strings.LastIndexByte(kind, '#')+1:], Message: body.Message,
		RequestID: resp.Header.Get("X-Amzn-Requestid"),
	}
}

// RoleKeys are the keys in the credentials of a task's role.
func RoleKeys(c agentproto.RoleCredentials) sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}
