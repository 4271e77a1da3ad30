package sigv4

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func request(t testing.TB, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signed is a request signed at that time.
func signed(t testing.TB, at time.Time) *http.Request {
	r := request(t, "http://h:1/ws?a=1&b")
	Sign(r, nil, Credentials{AccessKeyID: "AK", SecretAccessKey: "sk"}, "eu-west-3", "ecs", at)
	return r
}

func verify(r *http.Request, secret string, at time.Time) error {
	s, err := Parse(r)
	if err != nil {
		return err
	}
	return NewVerifier().Verify(r, s, nil, "ecs", secret, at)
}

// editAuth changes the Authorization header.
func editAuth(old, replacement string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
	}
}

func TestVerifyTexts(t *testing.T) {
	const algo = "Authorization=AWS4-HMAC-SHA256"
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		kind   Kind
		want   string
	}{
		{"missing", func(r *http.Request) { r.Header.Del("Authorization") }, Missing, "Missing Authentication Token"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, Incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " + algo},
		{
			"only the scheme", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }, Incomplete,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. " + algo,
		},
		{"short scope", editAuth("/ecs/aws4_request", ""), Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AK/20260203/eu-west-3'"},
		{"date that is none", func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }, Incomplete, "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"no region", editAuth("/eu-west-3/", "//"), Mismatch, "Credential should be scoped to a valid region, not ''. "},
		{"region that is none", editAuth("/eu-west-3/", "/eu:west/"), Mismatch, "Credential should be scoped to a valid region, not 'eu:west'. "},
		{"another service", editAuth("/ecs/", "/ecr/"), Mismatch, "Credential should be scoped to correct service: 'ecs'. "},
		{"another terminator", editAuth("/aws4_request", "/aws5_request"), Mismatch, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "},
		{
			"another day", editAuth("/20260203/", "/20260204/"), Mismatch,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260204' != '20260203', from '20260203T040506Z'. ",
		},
		{"host unsigned", editAuth("SignedHeaders=host;", "SignedHeaders="), Mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"x-amz header unsigned", func(r *http.Request) { r.Header.Set("X-Amz-Target", "T") }, Mismatch, "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."},
		{"changed", func(r *http.Request) { r.URL.RawQuery = "a=2&b" }, Mismatch, mismatchText},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := signed(t, now)
			tc.change(r)
			e, ok := errors.AsType[*Error](verify(r, "sk", now))
			if !ok || e.Kind != tc.kind || e.Text != tc.want {
				t.Errorf("got %+v, want %d %q", e, tc.kind, tc.want)
			}
		})
	}
}

func TestAuthorizationVariants(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
	}{
		{"as sent", func(*http.Request) {}},
		{"no spaces", func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		}},
		{"another order", func(r *http.Request) {
			p := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), algorithm+" "), ", ")
			r.Header.Set("Authorization", algorithm+"   "+p[2]+" ,"+p[0]+",\t"+p[1])
		}},
		{"query in another order", func(r *http.Request) { r.URL.RawQuery = "b=&a=1" }},
		{"user agent and trace id of a proxy", func(r *http.Request) {
			r.Header.Set("User-Agent", "x")
			r.Header.Set("X-Amzn-Trace-Id", "y")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := signed(t, now)
			tc.change(r)
			if err := verify(r, "sk", now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDateHeaderInsteadOfXAmzDate(t *testing.T) {
	r := request(t, "http://h/")
	r.Header.Set("Date", now.Format(http.TimeFormat))
	s := &Signature{Date: "20260203", Region: "r", Service: "ecs", stamp: "20260203T040506Z", signed: []string{"date", "host"}}
	sig := signature(signingKey(keyID{"sk", s.Date, "r", "ecs"}), r, s, HashBody(nil))
	r.Header.Set("Authorization", algorithm+" Credential=AK/20260203/r/ecs/aws4_request, SignedHeaders=date;host, Signature="+sig)
	if err := verify(r, "sk", now); err != nil {
		t.Error(err)
	}
}

func TestSkew(t *testing.T) {
	for _, tc := range []struct {
		name string
		off  time.Duration // server's clock against the client's
		want string
	}{
		{"same", 0, ""},
		{"five minutes late", 5 * time.Minute, ""},
		{"five minutes early", -5 * time.Minute, ""},
		{"too late", 5*time.Minute + time.Second, "Signature expired: 20260203T040506Z is now earlier than 20260203T040507Z (20260203T041007Z - 5 min.)"},
		{"too early", -5*time.Minute - time.Second, "Signature not yet current: 20260203T040506Z is still later than 20260203T040505Z (20260203T040005Z + 5 min.)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if err := verify(signed(t, now), "sk", now.Add(tc.off)); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// presign signs r in its query.
func presign(r *http.Request, expires string) {
	q := r.URL.Query()
	q.Set("X-Amz-Algorithm", algorithm)
	q.Set("X-Amz-Credential", "AK/20260203/r/ecs/aws4_request")
	q.Set("X-Amz-Date", now.Format(timeFormat))
	q.Set("X-Amz-SignedHeaders", "host")
	if expires != "" {
		q.Set("X-Amz-Expires", expires)
	}
	r.URL.RawQuery = q.Encode()
	s := &Signature{Date: "20260203", Region: "r", Service: "ecs", stamp: now.Format(timeFormat), signed: []string{"host"}, presigned: true}
	q.Set("X-Amz-Signature", signature(signingKey(keyID{"sk", s.Date, "r", "ecs"}), r, s, HashBody(nil)))
	r.URL.RawQuery = q.Encode()
}

func TestPresigned(t *testing.T) {
	for _, tc := range []struct {
		name, expires string
		after         time.Duration
		kind          Kind
		ok            bool
	}{
		{"at once", "60", 0, 0, true},
		{"within its period", "3600", 59 * time.Minute, 0, true},
		{"after its period", "60", 61 * time.Second, Expired, false},
		{"a week", "604800", 24 * time.Hour, 0, true},
		{"more than a week", "604801", 0, Incomplete, false},
		{"negative", "-1", 0, Incomplete, false},
		{"no number", "soon", 0, Incomplete, false},
		{"no period, within a quarter of an hour", "", 14 * time.Minute, 0, true},
		{"no period, after it", "", 16 * time.Minute, Expired, false},
		{"from the future", "3600", -6 * time.Minute, Expired, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := request(t, "http://h/?Action=GetCallerIdentity")
			presign(r, tc.expires)
			err := verify(r, "sk", now.Add(tc.after))
			e, _ := errors.AsType[*Error](err)
			if tc.ok != (err == nil) || e != nil && e.Kind != tc.kind {
				t.Errorf("got %v, want ok %v kind %d", err, tc.ok, tc.kind)
			}
		})
	}
}

func TestSignVerifiesWhateverTheRequest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := http.NewRequest(http.MethodPost, "http://h", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path = "/" + rapid.String().Draw(t, "path")
		q := r.URL.Query()
		for range rapid.IntRange(0, 3).Draw(t, "params") {
			q.Add(rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value"))
		}
		r.URL.RawQuery = q.Encode()
		r.Header.Add("X-A", rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "header"))
		r.Header.Add("X-A", rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "header again"))
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		secret := rapid.String().Draw(t, "secret")
		Sign(r, body, Credentials{AccessKeyID: "AK", SecretAccessKey: secret, SessionToken: "t"}, "r", "ecs", now)
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		v := NewVerifier()
		if err := v.Verify(r, s, body, "ecs", secret, now); err != nil {
			t.Fatal(err)
		}
		if err := v.Verify(r, s, append(body, 0), "ecs", secret, now); err == nil {
			t.Fatal("another body verified")
		}
		if err := v.Verify(r, s, body, "ecs", secret+"x", now); err == nil {
			t.Fatal("another secret verified")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(algorithm+" Credential=AK/20260203/r/ecs/aws4_request, SignedHeaders=host, Signature=00", "20260203T040506Z", "")
	f.Add("AWS4-HMAC-SHA256 Credential=,SignedHeaders=;;,Signature=", "", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=20260203T040506Z&X-Amz-SignedHeaders=host&X-Amz-Signature=1&X-Amz-Expires=9999999999999999999")
	f.Add("", "", "X-Amz-Algorithm=%zz&+=&&=")
	f.Fuzz(func(t *testing.T, auth, date, query string) {
		r := request(t, "http://h/")
		r.URL.RawQuery = query
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Date", date)
		s, err := Parse(r)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("not an *Error: %v", err)
			}
			return
		}
		if err := NewVerifier().Verify(r, s, nil, "ecs", "sk", now); err == nil {
			t.Fatal("a made-up signature verified")
		}
	})
}
