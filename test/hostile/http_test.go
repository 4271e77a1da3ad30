package hostile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// wired is a connection of its own, to write what no HTTP client would.
type wired struct {
	net.Conn
	t    testing.TB
	read *bufio.Reader
}

func (p *plane) dial(t testing.TB) *wired {
	t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(answerWithin))
	return &wired{c, t, bufio.NewReader(c)}
}

// say writes a text with the line ends of HTTP.
func (w *wired) say(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		w.t.Fatal(err)
	}
}

// hear reads one response.
func (w *wired) hear(method string) (*http.Response, string) {
	w.t.Helper()
	resp, err := http.ReadResponse(w.read, &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(body)
}

// signed is the head of a well-signed ListClusters with a body of one's own, up
// to but without the headers that frame the body.
func (c *caller) signed(t testing.TB, proto, body string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.plane.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters")
	creds := sigv4.Credentials{AccessKeyID: c.key.ID, SecretAccessKey: c.key.Secret}
	sigv4.Sign(req, []byte(body), creds, c.region, "ecs", time.Now())
	var b strings.Builder
	fmt.Fprintf(&b, "POST / %s\nHost: %s\n", proto, c.plane.addr)
	for name, values := range req.Header {
		fmt.Fprintf(&b, "%s: %s\n", name, values[0])
	}
	return b.String()
}

// Odd ways to frame a request that is good: each is answered as any other.
func TestFramings(t *testing.T) {
	p := open(t)
	c := p.account(t, regions[0])
	const body = `{"maxResults":1}`
	for _, tc := range []struct{ name, head, sent string }{
		{"plain", c.signed(t, "HTTP/1.1", body) + "Content-Length: 16\n\n", body},
		{"chunked", c.signed(t, "HTTP/1.1", body) + "Transfer-Encoding: chunked\n\n", "4\n{\"ma\nc\nxResults\":1}\n0\n\n"},
		{"HTTP/1.0", c.signed(t, "HTTP/1.0", body) + "Content-Length: 16\n\n", body},
		{"expecting 100", c.signed(t, "HTTP/1.1", body) + "Content-Length: 16\nExpect: 100-continue\n\n", body},
		{"pipelined", strings.Repeat(c.signed(t, "HTTP/1.1", body)+"Content-Length: 16\n\n"+body, 3) +
			c.signed(t, "HTTP/1.1", body) + "Content-Length: 16\n\n", body},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := p.dial(t)
			w.say(tc.head)
			want := strings.Count(tc.head, "POST / ")
			if strings.Contains(tc.head, "100-continue") {
				if resp, _ := w.hear(http.MethodPost); resp.StatusCode != http.StatusContinue {
					t.Fatalf("status %s before the body", resp.Status)
				}
			}
			w.say(tc.sent)
			for range want {
				if resp, got := w.hear(http.MethodPost); resp.StatusCode != http.StatusOK || got != `{"clusterArns":[]}` {
					t.Errorf("answer %s %s", resp.Status, got)
				}
			}
		})
	}
}

// What is wrong on the level of HTTP gets an answer of the 400s that tells what,
// under a request id where it reached the API at all.
func TestWrongRequests(t *testing.T) {
	p := open(t)
	c := p.account(t, regions[0])
	good := c.signed(t, "HTTP/1.1", "{}")
	for _, tc := range []struct {
		name, say string
		status    int
		body      string // in the answer
	}{
		{"not HTTP", "hello\n\n", 400, ""},
		{"unsigned GET", "GET / HTTP/1.1\nHost: x\n\n", 403, "MissingAuthenticationToken"},
		{"unsigned JSON", "POST / HTTP/1.1\nHost: x\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListTasks\nContent-Length: 2\n\n{}", 400, "MissingAuthenticationTokenException"},
		{"PUT", "PUT / HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 405, "MethodNotAllowed"},
		{"DELETE of a path", "DELETE /clusters/default HTTP/1.1\nHost: x\n\n", 405, "MethodNotAllowed"},
		{"OPTIONS", "OPTIONS / HTTP/1.1\nHost: x\n\n", 405, "MethodNotAllowed"},
		{"HEAD", "HEAD / HTTP/1.1\nHost: x\n\n", 405, ""},
		{"unclean path", "GET //x/../y HTTP/1.1\nHost: x\n\n", 403, "MissingAuthenticationToken"},
		{"path with an escape", "GET /%2e%2e/%00 HTTP/1.1\nHost: x\n\n", 403, "MissingAuthenticationToken"},
		{"body without a length", good + "Content-Length: x\n\n{}", 400, ""},
		{"two lengths", good + "Content-Length: 2\nContent-Length: 3\n\n{}", 400, ""},
		{"length and chunks", good + "Content-Length: 2\nTransfer-Encoding: gzip\n\n{}", 501, ""},
		{"body shorter than signed", good + "Content-Length: 1\n\n{", 400, "InvalidSignatureException"},
		{"huge body announced", good + "Content-Length: 99999999999\n\n", 413, "RequestEntityTooLargeException"},
		{"huge body expected", good + "Content-Length: 99999999\nExpect: 100-continue\n\n", 413, "RequestEntityTooLargeException"},
		{"unknown encoding", good + "Content-Encoding: br\nContent-Length: 2\n\n{}", 400, "SerializationException"},
		{"no gzip", good + "Content-Encoding: gzip\nContent-Length: 2\n\n{}", 400, "SerializationException"},
		{"ten thousand headers", good + strings.Repeat("X-Filler: 0123456789\n", 10_000) + "\n", 431, ""},
		{"long URL", "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\nHost: x\n\n", 431, ""},
		{"registry without a token", "GET /v2/ HTTP/1.1\nHost: x\n\n", 401, "UNAUTHORIZED"},
		{"path out of the registry", "GET /v2/../../etc/passwd HTTP/1.1\nHost: x\n\n", 307, ""},
		{"account without a signature", "POST /slipway/accounts HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 400, "MissingAuthenticationTokenException"},
		{"account signed for ecs", strings.Replace(good, "POST / ", "POST /slipway/accounts ", 1) + "Content-Length: 0\n\n", 400, "InvalidSignatureException"},
		{"socket without a signature", "GET /acs/ws HTTP/1.1\n" + upgrade + "\n", 400, "MissingAuthenticationTokenException"},
		{"socket with a wrong signature", "GET /acs/ws?clusterArn=default HTTP/1.1\n" + upgrade + authorization(good) + "\n", 400, "InvalidSignatureException"},
		{"telemetry with a wrong signature", "GET /tcs/ws?cluster=default HTTP/1.1\n" + upgrade + authorization(good) + "\n", 400, "InvalidSignatureException"},
		{"two signatures", good + "Authorization: AWS4-HMAC-SHA256 x\nContent-Length: 2\n\n{}", 400, "IncompleteSignatureException"},
		{"a signature in the URL too", strings.Replace(good, "POST / ", "POST /?X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256 ", 1) + "Content-Length: 2\n\n{}", 400, "InvalidSignatureException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := p.dial(t)
			go func() { // the server may answer, and stop reading, before the end
				io.WriteString(w, strings.ReplaceAll(tc.say, "\n", "\r\n"))
			}()
			method, _, _ := strings.Cut(tc.say, " ")
			resp, body := w.hear(method)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("answer %s %.400s, want %d with %q", resp.Status, body, tc.status, tc.body)
			}
			if strings.Contains(tc.body, "Exception") && resp.Header.Get(wire.RequestIDHeader) == "" {
				t.Error("no request id")
			}
		})
	}
	p.healthy(t)
}

const upgrade = "Host: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"

// authorization takes the signature off a head, to put it where it is not valid.
func authorization(head string) string {
	var out strings.Builder
	for line := range strings.Lines(head) {
		if strings.HasPrefix(line, "Authorization:") || strings.HasPrefix(line, "X-Amz-Date:") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// A small body that unpacks to a huge one is refused, not unpacked.
func TestGzipBomb(t *testing.T) {
	p := open(t)
	c := p.account(t, regions[0])
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, p.url+"/", bytes.NewReader(bomb.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters")
	got, err := c.do(req, bomb.Bytes(), "ecs")
	if err != nil || got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d bytes that unpack to 64 MiB: %d %s, %v", bomb.Len(), got.status, got.body, err)
	}
}

// A presigned call of STS works with a plain GET, as tools that prove an identity
// to a third party use it.
func TestPresignedIdentity(t *testing.T) {
	p := open(t)
	c := p.account(t, regions[0])
	client := sts.NewPresignClient(sts.New(sts.Options{
		Region: c.region, BaseEndpoint: &p.url, Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(c.key.ID, c.key.Secret, "")),
	}))
	req, err := client.PresignGetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.http.Get(req.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "<Account>"+c.key.Account+"</Account>") {
		t.Errorf("answer %s %s, %v", resp.Status, body, err)
	}
}

// Two thousand connections that say nothing, half a head or half a body keep
// nobody else from being served.
func TestSilentConnections(t *testing.T) {
	p := open(t)
	c := p.account(t, regions[0])
	half := c.signed(t, "HTTP/1.1", "{}")
	for i := range 2000 {
		w := p.dial(t)
		switch i % 3 {
		case 1:
			w.say("POST / HTTP/1.1\nHost: x\nX-Am")
		case 2:
			w.say(half + "Content-Length: 2\n\n{")
		}
	}
	out := c.must(t, "ecs:CreateCluster", object{"clusterName": "beside"})
	if pick(out, "cluster", "status") != "ACTIVE" {
		b, _ := json.Marshal(out)
		t.Errorf("answer %s", b)
	}
	p.healthy(t)
}
