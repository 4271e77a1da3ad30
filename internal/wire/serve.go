package wire

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/sigv4"
	"github.com/slipway/slipway/internal/wire/validate"
)

// RequestIDHeader carries the request id on every answer.
const RequestIDHeader = "x-amzn-RequestId"

// buffers are for bodies, in and out.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keep returns a buffer to the pool unless it has grown out of the usual.
func keep(p *[]byte, b []byte) {
	if cap(b) <= 1<<20 {
		*p = b[:0]
		buffers.Put(p)
	}
}

// ServeHTTP serves one AWS call.
func (m *Mux) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	start := m.cfg.Now()
	r := m.request(hr)
	in := buffers.Get().(*[]byte)
	var buf []byte
	defer func() { keep(in, buf) }()

	var bodyErr error
	buf, bodyErr = m.read(w, r, *in)
	p, t := m.match(r)
	a := answer{w: w, r: r, p: p, t: t}
	status := m.serve(&a, bodyErr)
	m.observe(&a, status, m.cfg.Now().Sub(start))
}

// answer is what is needed to answer a request.
type answer struct {
	w http.ResponseWriter
	r *request
	p protocol
	t target
}

func (m *Mux) request(hr *http.Request) *request {
	r := &request{Request: hr, id: uuid.NewString()}
	r.signature, r.sigErr = sigv4.Parse(hr)
	if r.sigErr != nil {
		r.signature = nil
	}
	return r
}

// match finds the protocol of r. What is in none is answered in JSON.
func (m *Mux) match(r *request) (protocol, target) {
	for _, p := range m.protocols {
		if t, ok := p.match(m, r); ok {
			return p, t
		}
	}
	return jsonProtocol{}, target{}
}

// serve takes the call through its stations and returns the HTTP status.
func (m *Mux) serve(a *answer, bodyErr error) int {
	if bodyErr != nil {
		return m.fail(a, bodyFault(bodyErr, a.p.words()))
	}
	if a.r.Method != http.MethodPost && a.r.Method != http.MethodGet {
		a.w.Header().Set("Allow", "GET, POST")
		e := apierr.Client("MethodNotAllowed", "The specified method is not allowed against this resource.")
		e.Status = http.StatusMethodNotAllowed
		return m.fail(a, e)
	}
	call, cred, err := m.authenticate(a.r, a.signingName())
	if err != nil {
		return m.fail(a, err)
	}
	op := a.t.op()
	if op == nil {
		return m.fail(a, a.p.words().unknownOperation(a.t, a.r))
	}
	call.Service, call.Operation = op.service.Name, op.name
	out, err := m.call(a, op, call, cred)
	if err != nil {
		return m.fail(a, err)
	}
	return m.succeed(a, op, out)
}

func (a *answer) signingName() string {
	if s := a.t.service(); s != nil {
		return s.SigningName
	}
	return ""
}

// call decodes, authorizes, validates and handles. A panic on the way is an
// error like any other that is not for clients.
func (m *Mux) call(a *answer, op *bound, call *Call, cred Credential) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	in := op.fresh()
	v := reflect.ValueOf(in).Elem()
	nulls, bad := a.p.decode(a.r, op, v)
	if bad != nil {
		return nil, bad
	}
	if op.tells != nil {
		call.Conditions = op.tells(call, in)
	}
	if !op.open {
		var resources []string
		if op.resources != nil {
			resources = op.resources(call, in)
		}
		if err := m.authorize(a.r.Context(), call, cred, op.action, resources); err != nil {
			return nil, err
		}
	}
	if bad := check(op, v, nulls); bad != nil {
		return nil, bad
	}
	return op.serve(a.r.Context(), call, in)
}

// check validates a decoded input.
func check(op *bound, v reflect.Value, nulls []string) *apierr.Error {
	found := validate.Input(op.in, op.service.Constraints, v)
	for _, path := range nulls {
		found = append(found, validate.Missing(path))
	}
	if len(found) == 0 {
		return nil
	}
	if op.service.MissingCode != "" {
		return separate(op, found[0])
	}
	if op.service.InvalidText != "" {
		return apierr.Client(op.service.InvalidCode, op.service.InvalidText, found[0].Path, found[0].Must())
	}
	return apierr.Client(op.service.InvalidCode, "%s", validate.Message(found))
}

// separate is how ec2 puts it: one violation at a time, absent ones under a code
// of their own.
func separate(op *bound, v validate.Violation) *apierr.Error {
	if v.Null {
		return apierr.Client(op.service.MissingCode, "The request must contain the parameter %s", v.Path)
	}
	return apierr.Client(op.service.InvalidCode, "Value (%s) for parameter %s is invalid. %s", v.Value, v.Path, v.Rule)
}

func (m *Mux) succeed(a *answer, op *bound, out any) int {
	if s, ok := out.(*streamed); ok {
		return m.stream(a, s)
	}
	p := buffers.Get().(*[]byte)
	b, kind := a.p.encode((*p)[:0], a.r, op, reflect.ValueOf(out).Elem())
	m.send(a, http.StatusOK, kind, b)
	keep(p, b)
	return http.StatusOK
}

// fail answers with err and returns the status.
func (m *Mux) fail(a *answer, err error) int {
	s := a.t.service()
	e := m.visible(a.r, a.t, worded(err, a.p.words()))
	status := status(s, e)
	body, kind := a.p.fail(nil, a.r, s, e)
	m.send(a, status, kind, body)
	return status
}

// visible returns what the client may see of err. What is not meant for it is
// logged here, under the request id that the client gets.
func (m *Mux) visible(r *request, t target, err error) *apierr.Error {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return withSpec(t.service(), e)
	}
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelDebug // the client has gone; nobody waits for the answer
	}
	m.cfg.Log.Log(r.Context(), level, "call failed", "request", r.id, "operation", t.label(), "err", err)
	code := "InternalFailure"
	if s := t.service(); s != nil {
		code = s.InternalCode
	}
	text := "An internal error has occurred."
	if m.cfg.Explain != nil {
		text = cmp.Or(m.cfg.Explain(err), text)
	}
	return withSpec(t.service(), apierr.Server(code, "%s Quote request id %s.", text, r.id))
}

// withSpec adds the fault that the service's model gives to an error.
func withSpec(s *Service, e *apierr.Error) *apierr.Error {
	if s == nil || s.Errors[e.Code].Fault == e.Fault {
		return e
	}
	c := *e
	c.Fault = max(e.Fault, s.Errors[e.Code].Fault)
	return &c
}

// status is the error's own, or the model's, or the protocol's.
func status(s *Service, e *apierr.Error) int {
	switch {
	case e.Status != 0:
		return e.Status
	case s != nil && s.Errors[e.Code].Status != 0:
		return s.Errors[e.Code].Status
	case e.Fault == apierr.FaultServer:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func (m *Mux) send(a *answer, status int, kind string, body []byte) {
	h := a.w.Header()
	h[http.CanonicalHeaderKey(RequestIDHeader)] = []string{a.r.id}
	h["Content-Type"] = []string{kind}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	a.w.WriteHeader(status)
	if _, err := a.w.Write(body); err != nil {
		m.cfg.Log.Debug("send answer", "request", a.r.id, "err", err)
	}
}

// label names the operation for logs and metrics; only served ones by name, so
// that clients cannot make up names.
func (t target) label() string {
	if op := t.op(); op != nil {
		return op.action
	}
	return "unknown"
}

func (m *Mux) observe(a *answer, status int, d time.Duration) {
	if m.cfg.Log.Enabled(a.r.Context(), slog.LevelDebug) {
		m.cfg.Log.Debug("call", "request", a.r.id, "operation", a.t.label(), "status", status, "duration", d, "remote", a.r.RemoteAddr)
	}
	if m.cfg.Observe != nil {
		m.cfg.Observe(a.t.label(), status, d)
	}
}

// WriteError answers a request that is not an AWS call with err, in JSON. An
// error that is not for clients is logged and hidden, as for calls.
func (m *Mux) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	a := &answer{w: w, r: m.request(r), p: jsonProtocol{}}
	m.fail(a, err)
}
