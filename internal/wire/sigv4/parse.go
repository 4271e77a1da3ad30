package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a signature is made of.
const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
	maxExpires = 7 * 24 * time.Hour

	// defaultExpires is how long a presigned request without X-Amz-Expires is
	// good: the quarter of an hour that STS grants.
	defaultExpires = 15 * time.Minute
)

// Signature is what a request claims, before it is verified.
type Signature struct {
	AccessKeyID string
	Date        string // of the scope: 20060102
	Region      string
	Service     string
	Token       string // session token; "" if none

	signed    []string // names of the signed headers: lower case, sorted
	signature string   // hex
	time      time.Time
	stamp     string // time as the client wrote it
	presigned bool
	expires   time.Duration // of a presigned request
	term      string        // last part of the scope
}

// Parse reads the signature of a request without verifying it. It returns an
// *Error when there is none or when it cannot be read.
func Parse(r *http.Request) (*Signature, error) {
	if hs := r.Header["Authorization"]; len(hs) > 1 {
		return nil, fail(Incomplete, "The request has more than one Authorization header.")
	} else if len(hs) == 1 && hs[0] != "" {
		return parseHeader(r, hs[0])
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") {
		return parseQuery(r)
	}
	return nil, fail(Missing, "Missing Authentication Token")
}

func parseHeader(r *http.Request, h string) (*Signature, error) {
	scheme, params, _ := strings.Cut(strings.TrimSpace(h), " ")
	if scheme != algorithm {
		return nil, fail(Incomplete, "Unsupported AWS 'algorithm': '%s'. ", clip(scheme))
	}
	got := authParams(params)
	var lacks strings.Builder
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if got[name] == "" {
			lacks.WriteString("Authorization header requires '" + name + "' parameter. ")
		}
	}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		stamp = r.Header.Get("Date")
	}
	if stamp == "" {
		lacks.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if lacks.Len() > 0 {
		return nil, fail(Incomplete, "%sAuthorization=%s", lacks.String(), scheme)
	}
	s := &Signature{signature: got["Signature"], signed: signedHeaders(got["SignedHeaders"]), Token: r.Header.Get("X-Amz-Security-Token")}
	if err := s.setCredential(got["Credential"]); err != nil {
		return nil, err
	}
	return s, s.setTime(stamp)
}

// authParams reads "Credential=…, SignedHeaders=…, Signature=…" in any order,
// with or without spaces.
func authParams(s string) map[string]string {
	m := make(map[string]string, 3)
	for part := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			m[k] = v
		}
	}
	return m
}

func signedHeaders(s string) []string {
	names := strings.Split(strings.ToLower(s), ";")
	slices.Sort(names)
	return slices.Compact(names)
}

func parseQuery(r *http.Request) (*Signature, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fail(Incomplete, "The query string cannot be read.")
	}
	if a := q.Get("X-Amz-Algorithm"); a != algorithm {
		return nil, fail(Incomplete, "Unsupported AWS 'algorithm': '%s'. ", clip(a))
	}
	var lacks strings.Builder
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(name) == "" {
			lacks.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if lacks.Len() > 0 {
		return nil, fail(Incomplete, "%sRe-examine the query-string parameters.", lacks.String())
	}
	s := &Signature{
		signature: q.Get("X-Amz-Signature"), signed: signedHeaders(q.Get("X-Amz-SignedHeaders")),
		Token: q.Get("X-Amz-Security-Token"), presigned: true, expires: defaultExpires,
	}
	if err := s.setCredential(q.Get("X-Amz-Credential")); err != nil {
		return nil, err
	}
	if err := s.setExpires(q.Get("X-Amz-Expires")); err != nil {
		return nil, err
	}
	return s, s.setTime(q.Get("X-Amz-Date"))
}

func (s *Signature) setExpires(v string) error {
	if v == "" {
		return nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		return fail(Incomplete, "X-Amz-Expires should be a number")
	case n < 0:
		return fail(Incomplete, "X-Amz-Expires must be non-negative")
	case n > int64(maxExpires/time.Second):
		return fail(Incomplete, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than %d seconds", int64(maxExpires/time.Second))
	}
	s.expires = time.Duration(n) * time.Second
	return nil
}

// setCredential reads keyid/date/region/service/term.
func (s *Signature) setCredential(c string) error {
	p := strings.Split(c, "/")
	if len(p) != 5 {
		return fail(Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(c))
	}
	s.AccessKeyID, s.Date, s.Region, s.Service, s.term = p[0], p[1], p[2], p[3], p[4]
	return nil
}

func (s *Signature) setTime(stamp string) error {
	t, err := time.Parse(timeFormat, stamp)
	if err != nil {
		t, err = http.ParseTime(stamp) // a Date header
	}
	if err != nil {
		return fail(Incomplete, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", clip(stamp))
	}
	s.time, s.stamp = t, t.UTC().Format(timeFormat)
	return nil
}

// clip bounds what of a client's text is given back to it.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128]
	}
	return s
}
