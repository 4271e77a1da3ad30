package awscall

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/wire/sigv4"
)

func TestCall(t *testing.T) {
	cases := map[string]struct {
		status int
		header string // X-Amzn-Errortype
		body   string
		code   string
		text   string
	}{
		"answer":           {200, "", `{"Name":"n"}`, "", ""},
		"empty answer":     {200, "", "", "", ""},
		"error":            {400, "", `{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"no group"}`, "ResourceNotFoundException", "no group"},
		"error in header":  {400, "Throttling:http://x/", `{"message":"slow"}`, "Throttling", "slow"},
		"something else's": {502, "", "<html>", "Bad Gateway", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var sent []byte
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r
				sent, _ = io.ReadAll(r.Body)
				if c.header != "" {
					w.Header().Set("X-Amzn-Errortype", c.header)
				}
				w.Header().Set("X-Amzn-Requestid", "r-1")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			var out struct{ Name string }
			keys := sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK", SessionToken: "ST"}
			err := New(s.URL+"/", "agent", nil).JSON(t.Context(), "logs", "Logs_20140328.X", "eu-west-1", keys, map[string]int{"n": 1}, &out)
			if Code(err) != c.code || (err == nil) != (c.code == "") {
				t.Fatalf("got %v", err)
			}
			if e, ok := errors.AsType[*Error](err); ok && (e.Message != c.text || e.Status != c.status || e.RequestID != "r-1") {
				t.Errorf("got %+v", e)
			}
			if string(sent) != `{"n":1}` || got.Header.Get("X-Amz-Target") != "Logs_20140328.X" || got.Header.Get("X-Amz-Security-Token") != "ST" ||
				!strings.Contains(got.Header.Get("Authorization"), "/eu-west-1/logs/aws4_request") {
				t.Errorf("sent %s, %v", sent, got.Header)
			}
		})
	}
}

func TestEndpointOfAService(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://10.0.0.1:4566":                   "http://10.0.0.1:4566",
		"ecs.us-east-1.amazonaws.com":            "https://logs.eu-west-1.amazonaws.com",
		"https://amazonaws.com.example.com:8443": "https://amazonaws.com.example.com:8443",
	} {
		if got := New(endpoint, "agent", nil).Service("logs", "eu-west-1").Endpoint; got != want {
			t.Errorf("%s: got %s", endpoint, got)
		}
	}
}
