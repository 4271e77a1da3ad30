package sigv4

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The keys, time and signatures of AWS's published Signature Version 4 test
// suite; requests with "botocore" in their name were signed by botocore.
var (
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	suiteNow    = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
)

func TestAWSTestSuite(t *testing.T) {
	for _, tc := range []struct {
		name, method, url, signed, body, signature string
		header                                     http.Header
	}{
		{name: "get-vanilla", method: "GET", url: "/", signed: "host;x-amz-date", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-slash-dot-slash", method: "GET", url: "/./", signed: "host;x-amz-date", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-relative", method: "GET", url: "/example/..", signed: "host;x-amz-date", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-vanilla-query-order-key-case", method: "GET", url: "/?Param2=value2&Param1=value1", signed: "host;x-amz-date", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{name: "get-vanilla-utf8-query", method: "GET", url: "/?%E1%88%B4=bar", signed: "host;x-amz-date", signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{name: "botocore unreserved path", method: "GET", url: "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", signed: "host;x-amz-date", signature: "98964e1079ce472101899439653197a4f6e602f30cd6aaf6c76d81b4fd9866fe"},
		{name: "botocore utf8 path", method: "GET", url: "/%E1%88%B4", signed: "host;x-amz-date", signature: "697b34846207a3f72246f99d74ae1ee4fe54f44bb06730c58a0d339eb079596d"},
		{name: "botocore space in path", method: "GET", url: "/example%20space/", signed: "host;x-amz-date", signature: "446b817944c553435b35e813c261ff4e161fff982d1bacdef1c87f6785dd1662"},
		{name: "post-vanilla", method: "POST", url: "/", signed: "host;x-amz-date", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{
			name: "get-header-value-trim", method: "GET", url: "/", signed: "host;my-header1;my-header2;x-amz-date",
			header:    http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}},
			signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		{
			name: "post-x-www-form-urlencoded", method: "POST", url: "/", signed: "content-type;host;x-amz-date", body: "Param1=value1",
			header:    http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := http.NewRequest(tc.method, "http://example.amazonaws.com"+tc.url, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, values := range tc.header {
				r.Header[name] = values
			}
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+tc.signed+", Signature="+tc.signature)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := NewVerifier().Verify(r, s, []byte(tc.body), "service", suiteSecret, suiteNow); err != nil {
				t.Error(err)
			}
			if err := NewVerifier().Verify(r, s, []byte(tc.body+"x"), "service", suiteSecret, suiteNow); err == nil {
				t.Error("another body verified")
			}
		})
	}
}
