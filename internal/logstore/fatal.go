package logstore

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// fatal is Pebble's logger. What Pebble calls fatal, such as a write-ahead log
// that cannot be written, ends the use of the store and not the process: every
// later call fails with what happened.
type fatal struct {
	log   *slog.Logger
	cause atomic.Pointer[fatalError]
}

// fatalError is the reason why a store is of no use any more.
type fatalError struct{ text string }

func (e *fatalError) Error() string { return "log store has failed: " + e.text }

func (f *fatal) err() error {
	if e := f.cause.Load(); e != nil {
		return e
	}
	return nil
}

// Infof tells of flushes and compactions.
func (f *fatal) Infof(format string, args ...any) {
	if f.log.Enabled(context.Background(), slog.LevelDebug) {
		f.log.Debug("pebble", "text", fmt.Sprintf(format, args...))
	}
}

// Errorf tells of what Pebble will try again.
func (f *fatal) Errorf(format string, args ...any) {
	f.log.Error("pebble reports an error", "text", fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble would go on as if nothing were wrong.
func (f *fatal) Fatalf(format string, args ...any) {
	e := &fatalError{fmt.Sprintf(format, args...)}
	f.cause.CompareAndSwap(nil, e)
	f.log.Error("log store has failed", "text", e.text)
	panic(e)
}

// survive turns the panic of Fatalf on the caller's goroutine into err.
func survive(err *error) {
	switch p := recover().(type) {
	case nil:
	case *fatalError:
		*err = p
	default:
		panic(p)
	}
}
