package wire

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/wire/shape"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Bounds on a request's body unless Config says otherwise.
const (
	DefaultMaxBody     = 8 << 20
	DefaultBodyTimeout = time.Minute
)

// Config is what a Mux needs of its surroundings.
type Config struct {
	Keys       KeySource  // required
	Authorizer Authorizer // nil: whoever has a key may do everything
	Log        *slog.Logger
	Now        func() time.Time // nil: time.Now
	MaxBody    int64            // bytes of a body as sent and as unpacked; 0: DefaultMaxBody
	// BodyTimeout is when a body must be there, counted from its head; 0:
	// DefaultBodyTimeout.
	BodyTimeout time.Duration

	// Explain, if set, may give a sentence for clients about an error that is not
	// meant for them otherwise, such as that the store is away; "" for none.
	Explain func(err error) string

	// Observe, if set, is told of every answer. op is like "ecs:RunTask", or
	// "unknown" for a request that names no served operation.
	Observe func(op string, status int, d time.Duration)
}

// Mux serves AWS operations on one endpoint. Bind every handler before it
// serves; it is safe for concurrent use from then on.
type Mux struct {
	cfg       Config
	protocols []protocol
	services  []*room
	verifier  *sigv4.Verifier
}

// room is a service with what is served of it.
type room struct {
	*Service
	planner *shape.Planner
	ops     map[string]*bound
}

// bound is an operation with its handler.
type bound struct {
	service   *Service
	name      string
	action    string // "ecs:RunTask"
	in, out   *shape.Plan
	fresh     func() any
	serve     func(ctx context.Context, call *Call, in any) (any, error)
	resources func(call *Call, in any) []string
	tells     func(call *Call, in any) func(key string) ([]string, bool)
	open      bool
}

// NewMux returns a Mux without operations.
func NewMux(cfg Config) *Mux {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = DefaultBodyTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Mux{cfg: cfg, protocols: []protocol{jsonProtocol{}, ec2Protocol, queryProtocol}, verifier: sigv4.NewVerifier()}
}

// Handler does the work of one operation. A nil *Out is an empty answer.
type Handler[In, Out any] func(ctx context.Context, call *Call, in *In) (*Out, error)

// HandleOption refines how an operation is served.
type HandleOption func(*bound)

// Resources tells which ARNs an operation acts on, for authorization. in is the
// operation's *In, decoded but not validated yet: any member may be absent.
func Resources(f func(call *Call, in any) []string) HandleOption {
	return func(b *bound) { b.resources = f }
}

// Conditions tells what an operation's input says to conditions of policies, such
// as aws:RequestTag/… (see Call.Conditions). in is as for Resources.
func Conditions(f func(call *Call, in any) func(key string) (values []string, ok bool)) HandleOption {
	return func(b *bound) { b.tells = f }
}

// Unrestricted lets every authenticated caller in, whatever it is allowed, as
// AWS does for sts:GetCallerIdentity.
func Unrestricted() HandleOption {
	return func(b *bound) { b.open = true }
}

// Handle binds h to op. It panics when op has a handler already or is not an
// operation of its service: both are mistakes of the program.
func Handle[In, Out any](m *Mux, op *Operation[In, Out], h Handler[In, Out], opts ...HandleOption) {
	r := m.room(op.Service)
	if _, ok := r.ops[op.Name]; ok {
		panic(fmt.Sprintf("wire: two handlers for %s:%s", op.Service.Name, op.Name))
	}
	if !op.Service.knows(op.Name) {
		panic(fmt.Sprintf("wire: %s has no operation %s", op.Service.Name, op.Name))
	}
	b := &bound{
		service: op.Service, name: op.Name, action: op.Service.Name + ":" + op.Name,
		in: r.planner.Plan(reflect.TypeFor[In]()), out: r.planner.Plan(reflect.TypeFor[Out]()),
		fresh: func() any { return new(In) },
		serve: func(ctx context.Context, call *Call, in any) (any, error) {
			out, err := h(ctx, call, in.(*In))
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(Out)
			}
			return out, nil
		},
	}
	for _, o := range opts {
		o(b)
	}
	r.ops[op.Name] = b
}

// room returns the room of s, made at first use.
func (m *Mux) room(s *Service) *room {
	if i := slices.IndexFunc(m.services, func(r *room) bool { return r.Service == s }); i >= 0 {
		return m.services[i]
	}
	r := &room{Service: s, planner: shape.NewPlanner(s.Constraints), ops: map[string]*bound{}}
	m.services = append(m.services, r)
	return r
}

// Served is an operation that has a handler.
type Served struct {
	Action        string // "ecs:RunTask"
	Service       *Service
	Input, Output *shape.Plan
}

// Served returns the operations that have handlers, in the order of their
// actions.
func (m *Mux) Served() []Served {
	var all []Served
	for _, r := range m.services {
		for _, b := range r.ops {
			all = append(all, Served{Action: b.action, Service: b.service, Input: b.in, Output: b.out})
		}
	}
	slices.SortFunc(all, func(a, b Served) int { return strings.Compare(a.Action, b.Action) })
	return all
}
