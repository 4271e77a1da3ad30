package sigv4

import "fmt"

// Kind classifies why a request does not verify. Each protocol has its own
// codes and statuses for them.
type Kind int

// The kinds of failure.
const (
	Missing    Kind = iota // no signature at all
	Incomplete             // a signature that lacks a part or cannot be read
	Mismatch               // a signature that does not fit the request
	Expired                // right once, but not at this time
)

// Error says why a request does not verify. The text is fit for the client.
type Error struct {
	Kind Kind
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

func fail(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

const mismatchText = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
