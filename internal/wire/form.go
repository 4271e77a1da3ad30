package wire

import (
	"errors"
	"mime"
	"net/http"
	"reflect"
	"slices"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/awsquery"
)

// formProtocol is query and ec2: parameters in, XML out.
type formProtocol struct {
	name    string
	dialect awsquery.Dialect
	say     *words
	answer  func(b []byte, f formProtocol, r *request, op *bound, out reflect.Value) []byte
	errors  func(b []byte, r *request, s *Service, e *apierr.Error) []byte
}

// formState is the form of a request, read once for both protocols.
type formState struct {
	read    bool
	is      bool // it is a form, well or ill
	values  awsquery.Form
	err     *apierr.Error
	action  string
	version string
}

func (f formProtocol) words() *words { return f.say }

// readForm reads the parameters of the query string and of a form in the body.
func (r *request) readForm() *formState {
	f := &r.form
	if f.read {
		return f
	}
	f.read = true
	parts := []string{r.URL.RawQuery}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		parts = append(parts, string(r.content))
		f.is = true
	}
	values, err := awsquery.ParseForm(parts...)
	if e, ok := errors.AsType[*awsquery.Error](err); ok {
		f.err = apierr.Client("MalformedInput", "%s", e.Text)
		return f
	}
	f.values = values
	var given bool
	f.action, given = values.Get("Action")
	f.version, _ = values.Get("Version")
	f.is = f.is || given || r.Method == http.MethodGet
	return f
}

// match finds the service by the scope of the signature and the version, which
// tells services apart that share a signing name. An unsigned request is known
// by its version alone, which is enough to refuse it in the right words.
func (f formProtocol) match(m *Mux, r *request) (target, bool) {
	form := r.readForm()
	if !form.is {
		return target{}, false
	}
	t := target{operation: form.action}
	for _, s := range m.services {
		current := s.APIVersion == form.version
		named := r.signature != nil && s.SigningName == r.signature.Service
		if !s.speaks(f.name) || !named && (r.signature != nil || !current) {
			continue
		}
		if t.room == nil || current {
			t.room = s
		}
	}
	// The last of the form protocols takes what belongs to no service.
	return t, t.room != nil || f.name == ProtocolQuery
}

// speaks reports whether the service is served in a protocol.
func (s *Service) speaks(protocol string) bool { return slices.Contains(s.Protocols, protocol) }

func (f formProtocol) decode(r *request, op *bound, in reflect.Value) ([]string, *apierr.Error) {
	err := r.form.values.Decode(f.dialect, op.in, in)
	if e, ok := errors.AsType[*awsquery.Error](err); ok {
		code := "MalformedInput"
		if f.name == ProtocolEC2 {
			code = op.service.InvalidCode
		}
		return nil, apierr.Client(code, "%s", e.Text)
	}
	return nil, nil
}

func (f formProtocol) encode(b []byte, r *request, op *bound, out reflect.Value) ([]byte, string) {
	return f.answer(b, f, r, op, out), "text/xml"
}

func (f formProtocol) fail(b []byte, r *request, s *Service, e *apierr.Error) ([]byte, string) {
	return f.errors(b, r, s, e), "text/xml"
}

// unknownAction is what both protocols say of an operation they do not have.
func unknownAction(t target, r *request) *apierr.Error {
	if r.form.err != nil {
		return r.form.err
	}
	if t.operation == "" {
		return apierr.Client("MissingAction", "The request must contain the parameter Action.")
	}
	if s := t.service(); s != nil && s.knows(t.operation) {
		return notServed("InvalidAction", s, t.operation)
	}
	return apierr.Client("InvalidAction", "The action %s is not valid for this web service.", clip(t.operation))
}
