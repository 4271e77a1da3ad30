// Package apierr owns the one error type that a client of the AWS APIs may see.
//
// An api package ("front door") turns what its room reports into an [Error] and
// returns it; wire writes it in the words of the protocol that the client
// speaks. Any other error that reaches wire is logged with the request id and
// answered as the service's internal error, so nothing private leaks by
// accident. The package knows neither HTTP nor any service.
package apierr

import (
	"errors"
	"fmt"
	"maps"
)

// Fault says whose doing an error is.
type Fault int

// The two faults that AWS distinguishes.
const (
	FaultClient Fault = iota // the request is wrong; trying it again unchanged is useless
	FaultServer              // the service is; the same request may succeed later
)

// String returns the word that AWS's XML error bodies use.
func (f Fault) String() string {
	if f == FaultServer {
		return "Receiver"
	}
	return "Sender"
}

// Error is an error as a client sees it.
type Error struct {
	Code    string         // AWS's code, as in the API model: "ClusterNotFoundException"
	Message string         // the text for a person
	Fault   Fault          // whose doing it is
	Status  int            // HTTP status; 0: what the service's model or the protocol says
	Extra   map[string]any // further modelled members, such as resourceIds; JSON protocols only
}

// Error returns "Code: Message".
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// With returns a copy of e that also carries the member name.
func (e *Error) With(name string, value any) *Error {
	c := *e
	c.Extra = make(map[string]any, len(e.Extra)+1)
	maps.Copy(c.Extra, e.Extra)
	c.Extra[name] = value
	return &c
}

// Client returns an error that is the client's doing.
func Client(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Fault: FaultClient}
}

// Server returns an error that is the service's doing.
func Server(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Fault: FaultServer}
}

// Is reports whether err is, or wraps, an [Error] of that code.
func Is(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
