package link

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/wire/sigv4"
)

const (
	ecsTarget = "AmazonEC2ContainerServiceV20141113"
	ecrTarget = "AmazonEC2ContainerRegistry_V20150921"
	// roundTrip is the ECS agent's limit for one API call.
	roundTrip = 42 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 8 << 20
)

// Config says where the control plane is and who we are.
type Config struct {
	Backend     string // URL of the API endpoint
	Region      string
	Cluster     string // name or ARN, as configured
	Credentials sigv4.Credentials
	Version     Version
	HTTP        *http.Client // nil: a client of its own
}

// Version is what the agent says of itself.
type Version struct {
	Agent, Hash, Runtime string // Runtime such as "containerd 1.6.20"
}

// UserAgent is the one string that goes with every call.
func (v Version) UserAgent() string {
	return fmt.Sprintf("Amazon ECS Agent - v%s (%s) (linux; LINUX) (+https://github.com/slipway/slipway)", v.Agent, v.Hash)
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

// NewClient makes a client.
func NewClient(cfg Config) *Client {
	cfg.Backend = strings.TrimRight(cfg.Backend, "/")
	if !strings.Contains(cfg.Backend, "://") {
		cfg.Backend = "https://" + cfg.Backend // as the ECS agent reads ECS_BACKEND_HOST
	}
	return &Client{cfg: cfg, http: cmp.Or(cfg.HTTP, &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()})}
}

// Error is an error of the API.
type Error struct {
	Status  int
	Code    string // without namespace
	Message string
}

// Error is the code and the message.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// code is the API's error code, empty for other errors.
func code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// call does one awsJson 1.1 operation, signed for the service.
func (c *Client) call(ctx context.Context, service, target string, creds sigv4.Credentials, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", target, err)
	}
	ctx, cancel := context.WithTimeout(ctx, roundTrip)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.Backend+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", target, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("User-Agent", c.cfg.Version.UserAgent())
	sigv4.Sign(req, body, creds, c.cfg.Region, service, time.Now())
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", target, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("call %s: read answer: %w", target, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("call %s: %w", target, apiError(resp, answer))
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("call %s: decode answer: %w", target, err)
	}
	return nil
}

// ecs calls an ECS operation with the instance's credentials.
func (c *Client) ecs(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, "ecs", ecsTarget+"."+operation, c.cfg.Credentials, in, out)
}

func apiError(resp *http.Response, answer []byte) *Error {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	// An answer that is no JSON is of something in between, such as a proxy.
	_ = json.Unmarshal(answer, &body)
	kind := cmp.Or(body.Type, resp.Header.Get("X-Amzn-Errortype"), http.StatusText(resp.StatusCode))
	kind, _, _ = strings.Cut(kind, ":")
	return &Error{Status: resp.StatusCode, Code: kind[strings.LastIndexByte(kind, '#')+1:], Message: body.Message}
}
