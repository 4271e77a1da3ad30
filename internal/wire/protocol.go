package wire

import (
	"net/http"
	"reflect"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// request is a request on its way through the Mux.
type request struct {
	*http.Request
	id        string
	body      []byte           // as sent: what is signed
	content   []byte           // unpacked
	signature *sigv4.Signature // what it claims; nil if unsigned or unreadable
	sigErr    error
	form      formState // of form protocols
}

// target is what a request addresses. room is nil if no such service is served.
type target struct {
	room      *room
	operation string
}

// op returns the served operation, nil if there is none.
func (t target) op() *bound {
	if t.room == nil {
		return nil
	}
	return t.room.ops[t.operation]
}

// service returns the addressed service, nil if unknown.
func (t target) service() *Service {
	if t.room == nil {
		return nil
	}
	return t.room.Service
}

// protocol is one way to write requests and answers. Each lives in a file of its
// own and is listed in NewMux.
type protocol interface {
	// match reports whether r is written in this protocol and what it addresses.
	match(m *Mux, r *request) (target, bool)
	// decode reads the input of op into in. It reports unreadable input as an
	// error for the client, and null items, by path, for validation.
	decode(r *request, op *bound, in reflect.Value) (nulls []string, err *apierr.Error)
	// encode appends the answer's body to b and returns its content type.
	encode(b []byte, r *request, op *bound, out reflect.Value) (body []byte, contentType string)
	// fail appends the body of an error to b. s is nil if no service is known.
	fail(b []byte, r *request, s *Service, e *apierr.Error) (body []byte, contentType string)
	// words returns the protocol's words for errors that are not a service's.
	words() *words
}

// words are how a protocol reports what goes wrong before a handler runs.
type words struct {
	unknownOperation func(t target, r *request) *apierr.Error
	auth             map[authFailure]word
	tooLarge         string
	unreadable       string // code of a body that cannot be unpacked
}

// word is an error as a protocol words it. An empty text is the cause's own.
type word struct {
	code   string
	status int
	text   string
}
