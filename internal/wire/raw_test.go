package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/service/sts/stsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const ecsTarget = "AmazonEC2ContainerServiceV20141113."

// request makes a JSON call that is not signed yet.
func (s *served) request(t testing.TB, target string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	return r
}

func sign(r *http.Request, service string, body []byte) {
	sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "eu-west-3", service, time.Now())
}

// do sends r and returns the answer; every answer must carry a request id.
func do(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get(wire.RequestIDHeader) == "" {
		t.Errorf("no request id on %d %s", resp.StatusCode, b)
	}
	return resp, string(b)
}

// post signs and sends a JSON call.
func (s *served) post(t testing.TB, service, target, body string) (int, string) {
	t.Helper()
	r := s.request(t, target, []byte(body))
	sign(r, service, []byte(body))
	resp, got := do(t, r)
	return resp.StatusCode, got
}

// form signs and sends a query or ec2 call.
func (s *served) form(t testing.TB, service, body string) (int, string) {
	t.Helper()
	r := s.request(t, "", []byte(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sign(r, service, []byte(body))
	resp, got := do(t, r)
	return resp.StatusCode, got
}

func TestJSONRefusals(t *testing.T) {
	s := serve(t, nil)
	handle(s, ecsshape.RunTask, nil)
	handle(s, ecsshape.ListAccountSettings, nil)
	handle(s, ecsshape.UntagResource, nil)
	handle(s, ecsshape.TagResource, nil)
	serialization := func(text string) string { return `{"__type":"SerializationException","message":"` + text + `"}` }
	for _, tc := range []struct{ name, op, body, want string }{
		{"string for an integer", "RunTask", `{"count":"1"}`, serialization("STRING_VALUE can not be converted to an Integer")},
		{"boolean for an integer", "RunTask", `{"count":true}`, serialization("TRUE_VALUE can not be converted to an Integer")},
		{"number for a string", "RunTask", `{"cluster":1}`, serialization("NUMBER_VALUE can not be converted to a String")},
		{"string for a boolean", "RunTask", `{"enableECSManagedTags":"yes"}`, serialization("STRING_VALUE can not be converted to a Boolean")},
		{"list for a string", "RunTask", `{"cluster":[]}`, serialization("Start of list found where not expected")},
		{"structure for a string", "RunTask", `{"cluster":{}}`, serialization("Start of structure or map found where not expected.")},
		{"structure for a list", "RunTask", `{"tags":{}}`, serialization("Start of structure or map found where not expected.")},
		{"scalar for a list", "RunTask", `{"tags":"x"}`, serialization("Expected list or null")},
		{"scalar for a structure", "RunTask", `{"overrides":"x"}`, serialization("Expected null")},
		{"integer above 32 bits", "RunTask", `{"count":2147483648}`, serialization("NUMBER_VALUE can not be converted to an Integer")},
		{"integer with a fraction", "RunTask", `{"count":1.5}`, serialization("NUMBER_VALUE can not be converted to an Integer")},
		{"integer beyond all bounds", "RunTask", `{"count":1e999}`, serialization("NUMBER_VALUE can not be converted to an Integer")},
		{"half a body", "RunTask", `{"count":`, `{"__type":"SerializationException"}`},
		{"trailing comma", "RunTask", `{"count":1,}`, `{"__type":"SerializationException"}`},
		{"two values", "RunTask", `{}{}`, `{"__type":"SerializationException"}`},
		{"null for a body", "RunTask", `null`, `{"__type":"SerializationException"}`},
		{"list for a body", "RunTask", `[]`, serialization("Start of list found where not expected")},
		{"no UTF-8", "RunTask", "{\"cluster\":\"\xff\"}", `{"__type":"SerializationException"}`},
		{"too deep", "RunTask", `{"unknown":` + strings.Repeat("[", 100_000), serialization("Nesting is too deep")},
		{
			"required member absent", "RunTask", `{}`,
			invalid("1 validation error detected: Value null at 'taskDefinition' failed to satisfy constraint: Member must not be null"),
		},
		{
			"required member null", "RunTask", `{"taskDefinition":null}`,
			invalid("1 validation error detected: Value null at 'taskDefinition' failed to satisfy constraint: Member must not be null"),
		},
		{
			"no body", "RunTask", ``,
			invalid("1 validation error detected: Value null at 'taskDefinition' failed to satisfy constraint: Member must not be null"),
		},
		{
			"two violations", "RunTask", `{"launchType":"MOON"}`,
			invalid("2 validation errors detected: Value 'MOON' at 'launchType' failed to satisfy constraint: Member must satisfy enum value set: [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]; " +
				"Value null at 'taskDefinition' failed to satisfy constraint: Member must not be null"),
		},
		{
			"value out of range, nested", "RunTask", `{"taskDefinition":"t","capacityProviderStrategy":[{"capacityProvider":"a"},{"weight":1001}]}`,
			invalid("2 validation errors detected: Value null at 'capacityProviderStrategy.2.member.capacityProvider' failed to satisfy constraint: Member must not be null; " +
				"Value '1001' at 'capacityProviderStrategy.2.member.weight' failed to satisfy constraint: Member must have value less than or equal to 1000"),
		},
		{
			"too long", "TagResource", `{"resourceArn":"a","tags":[{"key":"` + strings.Repeat("k", 129) + `"}]}`,
			invalid("1 validation error detected: Value '" + strings.Repeat("k", 129) + "' at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"),
		},
		{
			"pattern", "TagResource", `{"resourceArn":"a","tags":[{"key":"a!b"}]}`,
			invalid(`1 validation error detected: Value 'a!b' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)`),
		},
		{
			"item of a list of scalars", "UntagResource", `{"resourceArn":"a","tagKeys":["ok",""]}`,
			invalid(`1 validation error detected: Value '[ok, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, ` +
				`Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*), Member must not be null]`),
		},
		{
			"null in a list", "UntagResource", `{"resourceArn":"a","tagKeys":[null]}`,
			invalid("1 validation error detected: Value null at 'tagKeys.1.member' failed to satisfy constraint: Member must not be null"),
		},
		{"unknown operation", "Nonsense", `{}`, `{"__type":"UnknownOperationException","message":"Unknown operation: Nonsense"}`},
		{
			"operation of AWS that is not served", "ExecuteCommand", `{}`,
			`{"__type":"UnknownOperationException","message":"ecs:ExecuteCommand is an operation of AWS that this Slipway does not serve."}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, got := s.post(t, "ecs", ecsTarget+tc.op, tc.body)
			if status != 400 || got != tc.want {
				t.Errorf("answer = %d %s\nwant     400 %s", status, got, tc.want)
			}
		})
	}
}

func invalid(message string) string {
	return `{"__type":"InvalidParameterException","message":"` + message + `"}`
}

func TestJSONLeniency(t *testing.T) {
	s := serve(t, nil)
	got := capture(s, ecsshape.ListTasks)
	for _, tc := range []struct {
		name, body, cluster string
		max                 int32
	}{
		{"unknown members", `{"cluster":"a","nope":{"x":[1,{"y":null}]},"maxResults":5}`, "a", 5},
		{"null members", `{"cluster":"a","family":null,"maxResults":5}`, "a", 5},
		{"white space", " \n{ \"cluster\" :\t\"a\" , \"maxResults\" : 5 } ", "a", 5},
		{"integral numbers in other forms", `{"cluster":"a","maxResults":0.5e1}`, "a", 5},
		{"escapes", `{"cluster":"\u0061\ud83d\ude00\/\n","maxResults":5}`, "a😀/\n", 5},
		{"the last of two", `{"cluster":"b","cluster":"a","maxResults":5}`, "a", 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, body := s.post(t, "ecs", ecsTarget+"ListTasks", tc.body)
			if status != 200 || body != "{}" {
				t.Fatalf("answer = %d %s", status, body)
			}
			if *got.Cluster != tc.cluster || *got.MaxResults != tc.max || got.Family != nil {
				t.Errorf("input = %q %d %v", *got.Cluster, *got.MaxResults, got.Family)
			}
		})
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		status int
		want   string // "ID" stands for the request id
	}{
		{"client", apierr.Client("ClusterNotFoundException", "Cluster not found."), 400, `{"__type":"ClusterNotFoundException","message":"Cluster not found."}`},
		{
			"with members", apierr.Client("ConflictException", "c").With("resourceIds", []string{"a", "b"}), 400,
			`{"__type":"ConflictException","message":"c","resourceIds":["a","b"]}`,
		},
		{"modelled server fault", apierr.Server("ServerException", "later"), 500, `{"__type":"ServerException","message":"later"}`},
		{"wrapped", errors.Join(apierr.Client("BlockedException", "b")), 400, `{"__type":"BlockedException","message":"b"}`},
		{"own status", &apierr.Error{Code: "X", Message: "m", Status: 429}, 429, `{"__type":"X","message":"m"}`},
		{"anything else", errors.New("password of the database"), 500, `{"__type":"ServerException","message":"An internal error has occurred. Quote request id ID."}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, nil)
			wire.Handle(s.Mux, ecsshape.ListTasks, func(context.Context, *wire.Call, *ecsshape.ListTasksInput) (*ecsshape.ListTasksOutput, error) {
				return nil, tc.err
			})
			r := s.request(t, ecsTarget+"ListTasks", nil)
			sign(r, "ecs", nil)
			resp, body := do(t, r)
			body = strings.ReplaceAll(body, resp.Header.Get(wire.RequestIDHeader), "ID")
			if resp.StatusCode != tc.status || body != tc.want {
				t.Errorf("answer = %d %s\nwant     %d %s", resp.StatusCode, body, tc.status, tc.want)
			}
		})
	}
}

func TestInternalErrorMayBeExplained(t *testing.T) {
	away := errors.New("dial tcp 10.0.0.9:2379: connection refused")
	s := serve(t, func(c *wire.Config) {
		c.Explain = func(err error) string {
			if errors.Is(err, away) {
				return "The store does not answer."
			}
			return ""
		}
	})
	wire.Handle(s.Mux, ecsshape.ListTasks, func(context.Context, *wire.Call, *ecsshape.ListTasksInput) (*ecsshape.ListTasksOutput, error) {
		return nil, fmt.Errorf("list: %w", away)
	})
	r := s.request(t, ecsTarget+"ListTasks", nil)
	sign(r, "ecs", nil)
	resp, body := do(t, r)
	body = strings.ReplaceAll(body, resp.Header.Get(wire.RequestIDHeader), "ID")
	want := `{"__type":"ServerException","message":"The store does not answer. Quote request id ID."}`
	if resp.StatusCode != http.StatusInternalServerError || body != want {
		t.Errorf("answer = %d %s, want 500 %s", resp.StatusCode, body, want)
	}
}

func TestPanicIsInternalError(t *testing.T) {
	s := serve(t, nil)
	wire.Handle(s.Mux, ecsshape.ListTasks, func(context.Context, *wire.Call, *ecsshape.ListTasksInput) (*ecsshape.ListTasksOutput, error) {
		panic("secret")
	})
	status, body := s.post(t, "ecs", ecsTarget+"ListTasks", "{}")
	if status != 500 || strings.Contains(body, "secret") || !strings.Contains(body, `"ServerException"`) {
		t.Errorf("answer = %d %s", status, body)
	}
}

func TestBodies(t *testing.T) {
	s := serve(t, func(c *wire.Config) { c.MaxBody = 4096 })
	got := capture(s, ecsshape.ListTasks)
	for _, tc := range []struct {
		name, encoding string
		body           []byte
		status         int
		want           string
	}{
		{"gzip", "gzip", zipped(`{"cluster":"z"}`), 200, `{}`},
		{"gzip that is none", "gzip", []byte(`{"cluster":"z"}`), 400, `{"__type":"SerializationException","message":"unpack body: gzip: invalid header"}`},
		{"gzip bomb", "gzip", zipped(strings.Repeat(" ", 1<<20)), 413, `{"__type":"RequestEntityTooLargeException","message":"The request body is too large."}`},
		{"too large", "", bytes.Repeat([]byte(" "), 5000), 413, `{"__type":"RequestEntityTooLargeException","message":"The request body is too large."}`},
		{"unknown encoding", "br", []byte(`{}`), 400, `{"__type":"SerializationException","message":"the Content-Encoding is not supported"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := s.request(t, ecsTarget+"ListTasks", tc.body)
			if tc.encoding != "" {
				r.Header.Set("Content-Encoding", tc.encoding)
			}
			sign(r, "ecs", tc.body)
			resp, body := do(t, r)
			if resp.StatusCode != tc.status || body != tc.want {
				t.Errorf("answer = %d %s, want %d %s", resp.StatusCode, body, tc.status, tc.want)
			}
		})
	}
	if got.Cluster == nil || *got.Cluster != "z" {
		t.Errorf("cluster from a packed body = %v, want z", got.Cluster)
	}
}

func TestChunkedBodyAboveLimit(t *testing.T) {
	s := serve(t, func(c *wire.Config) { c.MaxBody = 4096 })
	handle(s, ecsshape.ListTasks, nil)
	body := bytes.Repeat([]byte(" "), 5000)
	r := s.request(t, ecsTarget+"ListTasks", body)
	sign(r, "ecs", body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
	resp, got := do(t, r)
	if resp.StatusCode != 413 {
		t.Errorf("answer = %d %s, want 413", resp.StatusCode, got)
	}
}

func TestExpectContinue(t *testing.T) {
	s := serve(t, nil)
	got := capture(s, ecsshape.ListTasks)
	body := []byte(`{"cluster":"e"}`)
	r := s.request(t, ecsTarget+"ListTasks", body)
	r.Header.Set("Expect", "100-continue")
	sign(r, "ecs", body)
	// The body is held back until the server asks for it.
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || *got.Cluster != "e" {
		t.Errorf("answer = %d, cluster %v", resp.StatusCode, got.Cluster)
	}
}

func TestBodyThatNeverEnds(t *testing.T) {
	s := serve(t, func(cfg *wire.Config) { cfg.BodyTimeout = 20 * time.Millisecond })
	handle(s, ecsshape.ListClusters, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: "+ecsTarget+"ListClusters\r\nContent-Length: 2\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn) // up to the end of the connection
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), "The request body did not arrive in time.") {
		t.Errorf("answer %q, %v", answer, err)
	}
}

func TestWrongMethod(t *testing.T) {
	s := serve(t, nil)
	r := s.request(t, ecsTarget+"ListTasks", nil)
	r.Method = http.MethodPut
	sign(r, "ecs", nil)
	resp, body := do(t, r)
	want := `{"__type":"MethodNotAllowed","message":"The specified method is not allowed against this resource."}`
	if resp.StatusCode != 405 || body != want || resp.Header.Get("Allow") != "GET, POST" {
		t.Errorf("answer = %d %s (Allow %q)", resp.StatusCode, body, resp.Header.Get("Allow"))
	}
}

func TestFormRefusals(t *testing.T) {
	s := serve(t, nil)
	handle(s, stsshape.GetCallerIdentity, nil)
	for _, tc := range []struct{ name, body, code, message string }{
		{"unknown action", "Action=Fly&Version=2011-06-15", "InvalidAction", "The action Fly is not valid for this web service."},
		{"no action", "Version=2011-06-15", "MissingAction", "The request must contain the parameter Action."},
		{"not served", "Action=AssumeRole&Version=2011-06-15", "InvalidAction", "sts:AssumeRole is an operation of AWS that this Slipway does not serve."},
		{"unreadable", "Action=%zz", "MalformedInput", "The value of parameter Action cannot be decoded"},
		{"too many", strings.Repeat("a=1&", 30_000), "MalformedInput", "Too many parameters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, body := s.form(t, "sts", tc.body)
			want := "<Error><Type>Sender</Type><Code>" + tc.code + "</Code><Message>" + tc.message + "</Message></Error>"
			if status != 400 || !strings.Contains(body, want) {
				t.Errorf("answer = %d %s\nwant     400 …%s…", status, body, want)
			}
		})
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.Bytes()
}
