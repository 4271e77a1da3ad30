// Package iamtest has the HTTP client with which tests let AWS's own SDK call a
// server of this process. It promises nothing to the product, which must not
// import it, and does not import the SDK itself.
package iamtest

import (
	"io"
	"net/http"
)

// Client is http.DefaultClient without a race of smithy-go v1.28.8: that closes
// the request's body as soon as the answer begins, and if net/http has not looked
// for the body's end by then, the body's WriteTo answers io.EOF, which net/http
// takes for a failed connection. A server in the same process is near enough for
// that to happen. Users do not see it, for the SDK tries again. Without WriteTo
// net/http reads the body, and io.EOF is what it wants.
type Client struct{}

// Do sends the request.
func (Client) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return http.DefaultClient.Do(r)
}
