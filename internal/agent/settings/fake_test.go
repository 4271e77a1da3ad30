package settings

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const region = "eu-west-1"

var role = &agentproto.RoleCredentials{AccessKeyID: "AKIAEXEC", SecretAccessKey: "sk", SessionToken: "token"}

// fakeAWS answers for Parameter Store, Secrets Manager and S3 on one endpoint.
type fakeAWS struct {
	t   *testing.T
	url string

	mu         sync.Mutex
	calls      []string                    // operation, region and arguments
	parameters map[string]parameter        // by what may be asked for
	secrets    map[string]string           // by SecretId|stage|version
	objects    map[string]string           // by path
	fail       []func(http.ResponseWriter) // the next answers
}

func newAWS(t *testing.T) *fakeAWS {
	f := &fakeAWS{t: t, parameters: map[string]parameter{}, secrets: map[string]string{}, objects: map[string]string{}}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

func (f *fakeAWS) lookup(change ...func(*Config)) *Lookup {
	cfg := Config{AWS: awscall.New(f.url, "test", nil), Region: region}
	for _, c := range change {
		c(&cfg)
	}
	return New(cfg)
}

// ServeHTTP verifies the signature as AWS does, and answers.
func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	signed, err := sigv4.Parse(r)
	if err == nil {
		err = sigv4.NewVerifier().Verify(r, signed, body, "", "sk", time.Now())
	}
	if err != nil || signed.AccessKeyID != "AKIAEXEC" || r.Header.Get("X-Amz-Security-Token") != "token" {
		f.t.Errorf("%s %s: signature of %+v: %v", r.Method, r.URL, signed, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(r, signed, body)
	w.Header().Set("X-Amzn-Requestid", "req-1")
	w.Header().Set("X-Amz-Request-Id", "req-1")
	if len(f.fail) > 0 {
		next := f.fail[0]
		f.fail = f.fail[1:]
		next(w)
		return
	}
	switch r.Header.Get("X-Amz-Target") {
	case "AmazonSSM.GetParameters":
		f.getParameters(w, body)
	case "secretsmanager.GetSecretValue":
		f.getSecret(w, body)
	default:
		f.getObject(w, r)
	}
}

func (f *fakeAWS) note(r *http.Request, s *sigv4.Signature, body []byte) {
	call := strings.Join(strings.Fields(s.Service+" "+s.Region+" "+string(body)), " ")
	if r.Method == http.MethodGet {
		call += " GET " + r.URL.EscapedPath()
	}
	f.calls = append(f.calls, call)
}

func (f *fakeAWS) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(slices.Values(f.calls))
}

func (f *fakeAWS) getParameters(w http.ResponseWriter, body []byte) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	var out struct {
		Parameters        []parameter
		InvalidParameters []string
	}
	if err := json.Unmarshal(body, &in); err != nil || !in.WithDecryption || len(in.Names) > 10 {
		f.t.Errorf("GetParameters %s: %v", body, err)
	}
	for _, name := range in.Names {
		if p, ok := f.parameters[name]; ok {
			out.Parameters = append(out.Parameters, p)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	slices.Reverse(out.Parameters) // no order is promised
	f.answer(w, out)
}

func (f *fakeAWS) getSecret(w http.ResponseWriter, body []byte) {
	var in struct{ SecretId, VersionStage, VersionId string }
	if err := json.Unmarshal(body, &in); err != nil {
		f.t.Error(err)
	}
	text, ok := f.secrets[in.SecretId+"|"+in.VersionStage+"|"+in.VersionId]
	if !ok {
		refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")(w)
		return
	}
	f.answer(w, map[string]string{"SecretString": text})
}

func (f *fakeAWS) getObject(w http.ResponseWriter, r *http.Request) {
	text, ok := f.objects[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusForbidden)
		err := xml.NewEncoder(w).Encode(struct {
			XMLName       xml.Name `xml:"Error"`
			Code, Message string
		}{Code: "AccessDenied", Message: "Access Denied"})
		if err != nil {
			f.t.Error(err)
		}
		return
	}
	_, _ = io.WriteString(w, text) // the reader may have had enough
}

func (f *fakeAWS) answer(w http.ResponseWriter, out any) {
	if err := json.NewEncoder(w).Encode(out); err != nil {
		f.t.Error(err)
	}
}

// refuse is an answer with an error.
func refuse(status int, code, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws#%s","message":%q}`, code, message)
	}
}
