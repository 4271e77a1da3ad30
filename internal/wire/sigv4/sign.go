package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Credentials are what a caller signs with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "": none
}

// unsigned are headers that proxies and transports change or add on the way.
var unsigned = []string{"Authorization", "Accept-Encoding", "Connection", "Content-Length", "Expect", "Te", "Transfer-Encoding", "Upgrade", "User-Agent", "X-Amzn-Trace-Id"}

// Sign puts a signature into the headers of r, which is about to be sent with
// that body (nil: none). Every header that matters must be set before; sign
// again if the request is sent again later than five minutes from now.
func Sign(r *http.Request, body []byte, c Credentials, region, service string, now time.Time) {
	stamp := now.UTC().Format(timeFormat)
	r.Header.Set("X-Amz-Date", stamp)
	if service == s3 {
		r.Header.Set("X-Amz-Content-Sha256", HashBody(body)) // S3 wants it said
	}
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	s := &Signature{AccessKeyID: c.AccessKeyID, Date: stamp[:len(dateFormat)], Region: region, Service: service, stamp: stamp, signed: []string{"host"}}
	for name := range r.Header {
		if !slices.Contains(unsigned, name) && !strings.HasPrefix(name, "Sec-Websocket-") {
			s.signed = append(s.signed, strings.ToLower(name))
		}
	}
	slices.Sort(s.signed)
	key := signingKey(keyID{c.SecretAccessKey, s.Date, region, service})
	sig := signature(key, r, s, HashBody(body))
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+s.Date+"/"+region+"/"+service+"/"+terminator+
		", SignedHeaders="+strings.Join(s.signed, ";")+", Signature="+sig)
}
