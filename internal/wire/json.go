package wire

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/awsjson"
)

// jsonProtocol is awsJson 1.0 and 1.1: X-Amz-Target names the operation, bodies
// are JSON. The versions differ in their content type alone.
type jsonProtocol struct{}

const serialization = "SerializationException"

var jsonWords = &words{
	unknownOperation: func(t target, _ *request) *apierr.Error {
		if s := t.service(); s != nil && s.knows(t.operation) {
			return notServed("UnknownOperationException", s, t.operation)
		}
		return apierr.Client("UnknownOperationException", "Unknown operation: %s", clip(t.operation))
	},
	auth: map[authFailure]word{
		authMissing:      {"MissingAuthenticationTokenException", 400, ""},
		authIncomplete:   {"IncompleteSignatureException", 400, ""},
		authMismatch:     {"InvalidSignatureException", 400, ""},
		authSkewed:       {"InvalidSignatureException", 400, ""},
		authUnknownKey:   {"UnrecognizedClientException", 400, ""},
		authTokenExpired: {"ExpiredTokenException", 400, ""},
		authDenied:       {"AccessDeniedException", 400, ""},
	},
	tooLarge:   "RequestEntityTooLargeException",
	unreadable: serialization,
}

func (jsonProtocol) words() *words { return jsonWords }

func (jsonProtocol) match(m *Mux, r *request) (target, bool) {
	name := r.Header.Get("X-Amz-Target")
	if name == "" {
		return target{}, strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-")
	}
	prefix, operation, _ := strings.Cut(name, ".")
	i := slices.IndexFunc(m.services, func(s *room) bool { return s.TargetPrefix == prefix && slices.Contains(s.Protocols, ProtocolJSON) })
	if i < 0 {
		return target{operation: name}, true
	}
	return target{room: m.services[i], operation: operation}, true
}

func (jsonProtocol) decode(r *request, op *bound, in reflect.Value) ([]string, *apierr.Error) {
	nulls, err := awsjson.Decode(r.content, op.in, in)
	if e, ok := errors.AsType[*awsjson.Error](err); ok {
		return nil, &apierr.Error{Code: serialization, Message: e.Text}
	}
	return nulls, nil
}

func (jsonProtocol) encode(b []byte, _ *request, op *bound, out reflect.Value) ([]byte, string) {
	return awsjson.Append(b, op.out, out), jsonType(op.service)
}

func (jsonProtocol) fail(b []byte, _ *request, s *Service, e *apierr.Error) ([]byte, string) {
	b = append(b, `{"__type":`...)
	b = awsjson.AppendString(b, e.Code)
	if e.Message != "" {
		b = append(b, `,"message":`...)
		b = awsjson.AppendString(b, e.Message)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Extra)) {
		value, err := json.Marshal(e.Extra[name])
		if err != nil {
			continue // an extra that is no JSON is not worth losing the error for
		}
		b = append(awsjson.AppendString(append(b, ','), name), ':')
		b = append(b, value...)
	}
	return append(b, '}'), jsonType(s)
}

func jsonType(s *Service) string {
	if s != nil && s.JSONVersion == "1.0" {
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

// notServed says honestly that AWS has the operation and Slipway has not.
func notServed(code string, s *Service, operation string) *apierr.Error {
	return apierr.Client(code, "%s:%s is an operation of AWS that this Slipway does not serve.", s.Name, operation)
}

// clip bounds what an answer repeats of a request.
func clip(s string) string {
	if len(s) > 128 {
		return strings.ToValidUTF8(s[:128], "")
	}
	return s
}
