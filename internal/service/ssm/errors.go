package ssm

import "fmt"

// Error is a refusal in the words of Systems Manager, with its code.
type Error struct{ Code, Text string }

func (e *Error) Error() string { return e.Code + ": " + e.Text }

func refuse(code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// errNotFound has no text at AWS either.
var errNotFound = &Error{Code: "ParameterNotFound"}
