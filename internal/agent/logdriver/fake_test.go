package logdriver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// service is CloudWatch Logs as far as the driver calls it. It holds callers to
// the limits of PutLogEvents.
type service struct {
	t *testing.T

	mu      sync.Mutex
	groups  map[string]bool
	streams map[string][]event // by group and stream
	fail    []error            // of the next calls, one each
	failAll error
	lose    int // so many puts are stored and answered with an error
	calls   []string
	changed chan struct{}
}

// awsError is an error of the service.
type awsError struct{ code, message string }

func (e awsError) Error() string        { return e.code + ": " + e.message }
func (e awsError) ErrorCode() string    { return e.code }
func (e awsError) ErrorMessage() string { return e.message }

func newService(t *testing.T, groups ...string) *service {
	s := &service{t: t, groups: map[string]bool{}, streams: map[string][]event{}, changed: make(chan struct{}, 1)}
	for _, g := range groups {
		s.groups[g] = true
	}
	return s
}

func (s *service) caller(region, credentials string) Call {
	return func(ctx context.Context, operation string, in, out any) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		answer, err := s.serve(operation, text)
		signal(s.changed)
		if err != nil {
			return fmt.Errorf("call: %w", err)
		}
		return json.Unmarshal([]byte(answer), out)
	}
}

func (s *service) serve(operation string, in []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, operation)
	if s.failAll != nil {
		return "", s.failAll
	}
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		if err != nil {
			return "", err
		}
	}
	var p putEvents
	if err := json.Unmarshal(in, &p); err != nil {
		return "", err
	}
	key := p.Group + " " + p.Stream
	_, known := s.streams[key]
	switch {
	case operation == "CreateLogGroup" && s.groups[p.Group], operation == "CreateLogStream" && known:
		return "", awsError{"ResourceAlreadyExistsException", "The specified log stream already exists"}
	case operation == "CreateLogGroup":
		s.groups[p.Group] = true
	case !s.groups[p.Group]:
		return "", awsError{"ResourceNotFoundException", "The specified log group does not exist."}
	case operation == "CreateLogStream":
		s.streams[key] = []event{}
	case !known:
		return "", awsError{"ResourceNotFoundException", "The specified log stream does not exist."}
	default:
		s.check(p)
		s.streams[key] = append(s.streams[key], p.Events...)
		if s.lose > 0 {
			s.lose--
			return "", io.ErrUnexpectedEOF
		}
	}
	return "{}", nil
}

// check holds a put to the limits.
func (s *service) check(p putEvents) {
	total := 0
	for i, e := range p.Events {
		total += len(e.Message) + 26
		if e.Message == "" || len(e.Message) > 262144-26 || !utf8.ValidString(e.Message) {
			s.t.Errorf("an event of %d bytes, valid %v", len(e.Message), utf8.ValidString(e.Message))
		}
		if i > 0 && e.Millis < p.Events[i-1].Millis {
			s.t.Errorf("event %d is older than the one before", i)
		}
	}
	if n := len(p.Events); n == 0 || n > 10_000 || total > 1<<20 {
		s.t.Errorf("a put of %d events, %d bytes", n, total)
	}
	if span := p.Events[len(p.Events)-1].Millis - p.Events[0].Millis; span >= (24 * time.Hour).Milliseconds() {
		s.t.Errorf("a put of %d ms", span)
	}
}

func (s *service) events(stream string) []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]event(nil), s.streams[stream]...)
}

func (s *service) texts(stream string) []string {
	var out []string
	for _, e := range s.events(stream) {
		out = append(out, e.Message)
	}
	return out
}

func (s *service) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// until waits for a condition after calls.
func (s *service) until(what string, cond func() bool) {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for !cond() {
		select {
		case <-s.changed:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			s.t.Fatalf("not in time: %s; calls %v", what, s.calls)
		}
	}
}

const testID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// rig is Drivers that run over a directory.
type rig struct {
	*Drivers
	t    *testing.T
	dir  string
	stop func()
	log  *strings.Builder

	logMu *sync.Mutex // guards log
}

func start(t *testing.T, dir string, s *service) *rig {
	t.Helper()
	var text strings.Builder
	var mu sync.Mutex
	cfg := Config{Dir: dir, Log: slog.New(slog.NewTextHandler(locked{&mu, &text}, nil))}
	if s != nil {
		cfg.Logs = s.caller
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	r := &rig{Drivers: d, t: t, dir: dir, log: &text, logMu: &mu}
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(r.stop)
	return r
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (r *rig) open(driver string, options ...string) string {
	r.t.Helper()
	path, err := r.Open(r.t.Context(), Container{ID: testID, Name: "web"}, driver, pairs(options))
	if err != nil {
		r.t.Fatal(err)
	}
	return path
}

func pairs(options []string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(options); i += 2 {
		out[options[i]] = options[i+1]
	}
	return out
}

// files are the names of what is in the directory, but for directories.
func files(t *testing.T, dir string) []string {
	var out []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// text is what was logged so far.
func (r *rig) text() string {
	r.logMu.Lock()
	defer r.logMu.Unlock()
	return r.log.String()
}
