//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/test/harness"
)

// assertCode checks the code of an error that the SDK read.
func assertCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// call is one raw request to the ECS API.
type call struct {
	operation string
	body      string
	headers   map[string]string
	key       harness.Key
	at        time.Time // of the signature
	tamper    string    // sent instead of body, with the signature of body
	unsigned  bool
	trace     *httptrace.ClientTrace
}

// answer is what came back.
type answer struct {
	status    int
	requestID string
	kind      string
	code      string // __type
	body      string
}

// send signs a call with the SDK's signer and sends it.
func (c call) send(t *testing.T) answer {
	t.Helper()
	key, at := c.key, c.at
	if key.AccessKeyID == "" {
		key = shared.key
	}
	if at.IsZero() {
		at = time.Now()
	}
	sent := c.body
	if c.tamper != "" {
		sent = c.tamper
	}
	ctx := t.Context()
	if c.trace != nil {
		ctx = httptrace.WithClientTrace(ctx, c.trace)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+shared.slipway.Listen+"/", strings.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+c.operation)
	for k, v := range c.headers {
		req.Header.Set(k, v)
	}
	if !c.unsigned {
		sum := sha256.Sum256([]byte(c.body))
		creds := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
		if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "ecs", region, at); err != nil {
			t.Fatal(err)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}, Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{
		status: resp.StatusCode, requestID: resp.Header.Get("x-amzn-RequestId"),
		kind: resp.Header.Get("Content-Type"), body: string(body),
	}
	var failure struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(body, &failure); err != nil {
		t.Errorf("%s answers with what is no JSON: %q", c.operation, body)
	}
	a.code = failure.Type
	return a
}

func zip(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRawCalls(t *testing.T) {
	t.Parallel()
	wrongSecret, unknown := shared.key, shared.key
	wrongSecret.SecretAccessKey += "x"
	unknown.AccessKeyID = "AKIAAAAAAAAAAAAAAAAA"
	gzipped := map[string]string{"Content-Encoding": "gzip"}
	tests := []struct {
		name   string
		call   call
		status int
		code   string
		says   string
	}{
		{"good", call{operation: "ListClusters", body: `{}`}, 200, "", `cluster/default"`},
		{"unknown members", call{operation: "ListClusters", body: `{"maxResults":5,"nonsense":{"a":[1,{}]}}`}, 200, "", `cluster/default"`},
		{"gzip body", call{operation: "DescribeClusters", body: zip(t, `{"clusters":["nosuch"]}`), headers: gzipped}, 200, "", "MISSING"},
		{"wrong secret", call{operation: "ListClusters", body: `{}`, key: wrongSecret}, 400, "InvalidSignatureException", "does not match the signature you provided"},
		{"unknown key", call{operation: "ListClusters", body: `{}`, key: unknown}, 400, "UnrecognizedClientException", "The security token included in the request is invalid"},
		{"slow clock", call{operation: "ListClusters", body: `{}`, at: time.Now().Add(-20 * time.Minute)}, 400, "InvalidSignatureException", "Signature expired"},
		{"fast clock", call{operation: "ListClusters", body: `{}`, at: time.Now().Add(20 * time.Minute)}, 400, "InvalidSignatureException", "Signature not yet current"},
		{"tampered body", call{operation: "ListClusters", body: `{"maxResults":1}`, tamper: `{"maxResults":2}`}, 400, "InvalidSignatureException", "does not match"},
		{"no signature", call{operation: "ListClusters", body: `{}`, unsigned: true}, 400, "MissingAuthenticationTokenException", ""},
		{"broken signature", call{operation: "ListClusters", body: `{}`, unsigned: true, headers: map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential="}}, 400, "IncompleteSignatureException", ""},
		{"unknown operation", call{operation: "MakeCoffee", body: `{}`}, 400, "UnknownOperationException", ""},
		{"malformed JSON", call{operation: "ListClusters", body: `{"maxResults":`}, 400, "SerializationException", ""},
		{"wrong type", call{operation: "ListClusters", body: `{"maxResults":"many"}`}, 400, "SerializationException", ""},
		{"no object", call{operation: "ListClusters", body: `[1,2]`}, 400, "SerializationException", ""},
		{"deep nesting", call{operation: "ListClusters", body: `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`}, 400, "SerializationException", ""},
		{"missing member", call{operation: "RunTask", body: `{}`}, 400, "InvalidParameterException", "taskDefinition"},
		{"out of range", call{operation: "ListClusters", body: `{"maxResults":1000}`}, 400, "InvalidParameterException", ""},
		{"huge body", call{operation: "ListClusters", body: `{"x":"` + strings.Repeat("x", 9<<20) + `"}`, headers: map[string]string{"Expect": "100-continue"}}, 413, "RequestEntityTooLargeException", ""},
		{"gzip bomb", call{operation: "ListClusters", body: zip(t, strings.Repeat(" ", 64<<20)), headers: gzipped}, 413, "RequestEntityTooLargeException", ""},
		{"no gzip", call{operation: "ListClusters", body: `{}`, headers: gzipped}, 400, "SerializationException", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.call.send(t)
			if got.status != tt.status || got.code != tt.code || !strings.Contains(got.body, tt.says) {
				t.Errorf("got %d %s %.300s; want %d %s %q", got.status, got.code, got.body, tt.status, tt.code, tt.says)
			}
			if len(got.requestID) != 36 {
				t.Errorf("request id %q", got.requestID)
			}
			if got.kind != "application/x-amz-json-1.1" {
				t.Errorf("content type %q", got.kind)
			}
		})
	}
	if status, body, err := get(t.Context(), shared.slipway.Listen, "/healthz"); err != nil || status != 200 {
		t.Errorf("after all that /healthz says %d %q, %v", status, body, err)
	}
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	asked := 0
	trace := &httptrace.ClientTrace{
		Got100Continue: func() { asked++ },
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return nil },
	}
	c := call{operation: "ListClusters", body: `{}`, headers: map[string]string{"Expect": "100-continue"}, trace: trace}
	if got := c.send(t); got.status != 200 || asked != 1 {
		t.Errorf("answer %+v, asked %d times to go on", got, asked)
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	t.Parallel()
	c := call{operation: "ListClusters", body: `{}`}
	if one, two := c.send(t).requestID, c.send(t).requestID; one == two {
		t.Errorf("two calls have the request id %s", one)
	}
}
