package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// answerWithin is when an answer counts as never: generous, for a loaded machine.
const answerWithin = 60 * time.Second

// caller is an account in a region, with its root key.
type caller struct {
	plane  *plane
	key    iam.AccessKey
	region string
}

func (c *caller) scope() ecs.Scope { return ecs.Scope{Account: c.key.Account, Region: c.region} }

// answer is what came back for one call.
type answer struct {
	status    int
	requestID string
	kind      string // content type
	body      []byte
}

// send calls an operation with a body in the operation's protocol.
func (c *caller) send(ctx context.Context, op wire.Served, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.plane.url+"/", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if isForm(op) {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	} else {
		req.Header.Set("Content-Type", "application/x-amz-json-"+op.Service.JSONVersion)
		_, name, _ := strings.Cut(op.Action, ":")
		req.Header.Set("X-Amz-Target", op.Service.TargetPrefix+"."+name)
	}
	return c.do(req, body, op.Service.SigningName)
}

// do signs a request and reads its answer.
func (c *caller) do(req *http.Request, body []byte, service string) (answer, error) {
	creds := sigv4.Credentials{AccessKeyID: c.key.ID, SecretAccessKey: c.key.Secret}
	sigv4.Sign(req, body, creds, c.region, service, time.Now())
	resp, err := c.plane.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get(wire.RequestIDHeader), resp.Header.Get("Content-Type"), got}, err
}

func isForm(op wire.Served) bool { return !slices.Contains(op.Service.Protocols, wire.ProtocolJSON) }

// object is a JSON object.
type object = map[string]any

// must calls a JSON operation that has to succeed.
func (c *caller) must(t testing.TB, action string, in object) object {
	t.Helper()
	out, err := c.try(t.Context(), action, in)
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return out
}

// try calls a JSON operation.
func (c *caller) try(ctx context.Context, action string, in object) (object, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	got, err := c.send(ctx, c.plane.op(action), body)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", got.status, got.body)
	}
	var out object
	if err := json.Unmarshal(got.body, &out); err != nil {
		return nil, fmt.Errorf("answer %.200q: %w", got.body, err)
	}
	return out, nil
}

// strings returns a member of an answer that is a list of strings.
func stringsOf(out object, member string) []string {
	var all []string
	list, _ := out[member].([]any)
	for _, v := range list {
		s, _ := v.(string)
		all = append(all, s)
	}
	return all
}

// pick follows names and indexes into an answer.
func pick(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(object)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}
