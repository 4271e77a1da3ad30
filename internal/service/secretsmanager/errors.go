package secretsmanager

import "fmt"

// Kind is what an Error means to a caller; the front door has a code for each.
type Kind int

// The kinds of Error.
const (
	NotFound Kind = iota // there is no such secret, version or stage
	Exists               // the name or the request token is taken
	InvalidRequest
	InvalidParameter
)

// Error is a refusal in the words of Secrets Manager.
type Error struct {
	Kind Kind
	Text string
}

func (e *Error) Error() string { return e.Text }

func refuse(k Kind, format string, args ...any) error { return &Error{k, fmt.Sprintf(format, args...)} }

var errNoSecret = &Error{NotFound, "Secrets Manager can't find the specified secret."}
