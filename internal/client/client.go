// Package client is how the commands of this binary talk to a control plane: the
// same signed requests as anybody's, with the root key of a data directory.
//
// It owns finding the endpoint and signing. It knows no operation; callers name
// them and bring the shapes.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Client calls the control plane of one data directory.
type Client struct {
	dir      string
	endpoint installation.Endpoint
	key      iam.Credentials
}

// timeout bounds one call.
const timeout = 30 * time.Second

// Open reads where the control plane of a data directory answers, and its root
// key.
func Open(dir string) (*Client, error) {
	endpoint, err := installation.ReadEndpoint(dir)
	if err != nil {
		return nil, err
	}
	key, err := iam.ReadCredentials(dir)
	if err != nil {
		return nil, fmt.Errorf("read the root key: %w", err)
	}
	return &Client{dir: dir, endpoint: endpoint, key: key}, nil
}

// Endpoint is where the control plane answers.
func (c *Client) Endpoint() installation.Endpoint { return c.endpoint }

// Credentials is the root key.
func (c *Client) Credentials() iam.Credentials { return c.key }

// Call calls an operation of an awsJson service, such as "ecs" and
// "AmazonEC2ContainerServiceV20141113.DescribeTasks".
func (c *Client) Call(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", target, err)
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	answer, err := c.Post(ctx, "/", service, header, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode the answer: %w", err)
	}
	return nil
}

// Post sends a signed POST and returns the answer's body; an answer that is not
// 200 is an error with its text.
func (c *Client) Post(ctx context.Context, path, service string, header http.Header, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	creds := sigv4.Credentials{AccessKeyID: c.key.AccessKeyID, SecretAccessKey: c.key.SecretAccessKey}
	sigv4.Sign(req, body, creds, c.endpoint.Region, service, time.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no Slipway answers for %s at %s: is it running? (%w)", c.dir, c.endpoint.URL, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return answer, nil
}
