package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// skew is how far a client's clock may be off, either way.
const skew = 5 * time.Minute

// s3 is the signing name of Amazon S3, whose signatures differ: the path is encoded once, and the body need not be
// signed (Amazon S3 API Reference, "Authenticating Requests").
const (
	s3              = "s3"
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// HashBody returns the hex SHA-256 of a body.
func HashBody(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Verifier verifies signatures and keeps derived signing keys, which are good
// for a day. It is safe for concurrent use.
type Verifier struct {
	keys keyCache
}

// NewVerifier returns a Verifier.
func NewVerifier() *Verifier { return &Verifier{} }

// Verify holds the signature s against the request r. body is the body as sent;
// service is the one addressed, "" for any; secret belongs to s.AccessKeyID. It
// returns an *Error when the request must be refused.
func (v *Verifier) Verify(r *http.Request, s *Signature, body []byte, service, secret string, now time.Time) error {
	if err := s.checkScope(service); err != nil {
		return err
	}
	if err := s.checkSigned(r); err != nil {
		return err
	}
	bodyHash := HashBody(body)
	given := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case s.Service == s3 && (given == unsignedPayload || given == "" && s.presigned):
		bodyHash = unsignedPayload
	case given != "" && !strings.EqualFold(given, bodyHash):
		return fail(Mismatch, mismatchText)
	}
	id := keyID{secret, s.Date, s.Region, s.Service}
	key, known := v.keys.get(id)
	want := signature(key, r, s, bodyHash)
	if !hmac.Equal([]byte(want), []byte(s.signature)) {
		return fail(Mismatch, mismatchText)
	}
	if !known {
		v.keys.put(id, key) // only now, so that strangers cannot fill the cache
	}
	return s.checkTime(now)
}

func signature(key []byte, r *http.Request, s *Signature, bodyHash string) string {
	var buf [2048]byte
	canonical := sha256.Sum256(canonicalRequest(buf[:0], r, s, bodyHash))
	text := append(buf[:0], algorithm+"\n"...)
	text = append(text, s.stamp...)
	text = append(text, '\n')
	text = append(text, s.Date+"/"+s.Region+"/"+s.Service+"/"+terminator+"\n"...)
	text = hex.AppendEncode(text, canonical[:])
	return hex.EncodeToString(mac(key, text))
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

func (s *Signature) checkScope(service string) error {
	var wrong strings.Builder
	if !validRegion(s.Region) {
		wrong.WriteString("Credential should be scoped to a valid region, not '" + clip(s.Region) + "'. ")
	}
	if s.Service == "" || service != "" && s.Service != service {
		wrong.WriteString("Credential should be scoped to correct service: '" + service + "'. ")
	}
	if s.term != terminator {
		wrong.WriteString("Credential should be scoped with a valid terminator: 'aws4_request', not '" + clip(s.term) + "'. ")
	}
	if day := s.stamp[:len(dateFormat)]; s.Date != day {
		wrong.WriteString("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			clip(s.Date) + "' != '" + day + "', from '" + s.stamp + "'. ")
	}
	if wrong.Len() > 0 {
		return fail(Mismatch, "%s", wrong.String())
	}
	return nil
}

// validRegion holds for the form of a region's name. Any region is served, but
// the name becomes part of ARNs and keys.
func validRegion(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// checkSigned refuses a request of which an attacker could change what decides
// its meaning: the host, and any x-amz- header that was sent.
func (s *Signature) checkSigned(r *http.Request) error {
	if !slices.Contains(s.signed, "host") {
		return fail(Mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !slices.Contains(s.signed, strings.ToLower(name)) {
			return fail(Mismatch, "'%s' must be a 'SignedHeader' in the AWS Authorization.", strings.ToLower(name))
		}
	}
	return nil
}

// checkTime comes last: the texts give the server's clock away only to someone
// who holds the key.
func (s *Signature) checkTime(now time.Time) error {
	now = now.UTC()
	life := skew
	if s.presigned {
		life = s.expires
	}
	if early := now.Add(-life); s.time.Before(early.Truncate(time.Second)) {
		if s.presigned {
			return fail(Expired, "Signature expired: %s is now earlier than %s", s.time.Add(life).Format(timeFormat), now.Format(timeFormat))
		}
		return fail(Expired, "Signature expired: %s is now earlier than %s (%s - 5 min.)", s.stamp, early.Format(timeFormat), now.Format(timeFormat))
	}
	if late := now.Add(skew); s.time.After(late) {
		return fail(Expired, "Signature not yet current: %s is still later than %s (%s + 5 min.)", s.stamp, late.Format(timeFormat), now.Format(timeFormat))
	}
	return nil
}
