package sigv4

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest appends the canonical form of r, which s signs, to b.
func canonicalRequest(b []byte, r *http.Request, s *Signature, bodyHash string) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	if s.Service == s3 {
		b = appendObjectPath(b, r.URL)
	} else {
		b = appendPath(b, r.URL)
	}
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery, s.presigned)
	b = append(b, '\n')
	for _, name := range s.signed {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.signed {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, bodyHash...)
}

// appendPath writes the normalized path, each segment encoded once more than it
// came, as every service but S3 has it.
func appendPath(b []byte, u *url.URL) []byte {
	p := u.EscapedPath()
	if p == "" || p == "/" {
		return append(b, '/')
	}
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return appendEscaped(b, clean, true)
}

// appendObjectPath writes the path as it is for S3: encoded once, and every part kept, because ".." and "//" are parts
// of the names of objects.
func appendObjectPath(b []byte, u *url.URL) []byte {
	if u.Path == "" {
		return append(b, '/')
	}
	return appendEscaped(b, u.Path, true)
}

// appendQuery writes the parameters decoded, encoded strictly, and sorted. The
// signature itself is not part of what a presigned request signs.
func appendQuery(b []byte, raw string, presigned bool) []byte {
	if raw == "" {
		return b
	}
	var pairs []string
	for part := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(part, "=")
		if part == "" || presigned && k == "X-Amz-Signature" {
			continue
		}
		pair := appendEscaped(nil, unescape(k), false)
		pair = append(pair, '=')
		pairs = append(pairs, string(appendEscaped(pair, unescape(v), false)))
	}
	// Names are compared before values; "=" sorts above some name characters.
	slices.SortFunc(pairs, func(x, y string) int {
		kx, vx, _ := strings.Cut(x, "=")
		ky, vy, _ := strings.Cut(y, "=")
		if c := strings.Compare(kx, ky); c != 0 {
			return c
		}
		return strings.Compare(vx, vy)
	})
	return append(b, strings.Join(pairs, "&")...)
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// appendEscaped percent-encodes everything but RFC 3986's unreserved characters
// (and slashes, in paths).
func appendEscaped(b []byte, s string, slash bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '~' || slash && c == '/' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// appendHeader writes a header's values, joined by commas, trimmed, with runs of
// spaces made one.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	switch name {
	case "host":
		return appendTrimmed(b, host(r))
	case "content-length":
		// net/http may drop the field itself; its meaning is always there.
		return strconv.AppendInt(b, max(r.ContentLength, 0), 10)
	}
	for i, v := range r.Header[http.CanonicalHeaderKey(name)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		if v[i] != ' ' || v[i-1] != ' ' {
			b = append(b, v[i])
		}
	}
	return b
}

// host is the Host header of an incoming request or of one about to be sent.
func host(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}
