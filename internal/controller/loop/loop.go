package loop

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Reconciler brings what is under a key to where it should be. It is called
// again when the key changes, when after (if above zero) has passed, or when it
// fails.
type Reconciler interface {
	Reconcile(ctx context.Context, key string) (after time.Duration, err error)
}

// Source names keys until ctx ends. It begins with every key that may need work,
// since it is called again after it failed.
type Source func(ctx context.Context, add func(key string)) error

// Loop is one controller.
type Loop struct {
	Name       string // for the log
	Log        *slog.Logger
	Workers    int // keys that are reconciled at the same time; 0 means 1
	Source     Source
	Reconciler Reconciler
}

// sourceRetry is the wait before a source that failed is called again.
const sourceRetry = time.Second

// Run runs the loop until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	q := newQueue()
	var work sync.WaitGroup
	work.Go(func() { l.follow(ctx, q) })
	for range max(l.Workers, 1) {
		work.Go(func() { l.work(ctx, q) })
	}
	work.Wait()
}

func (l *Loop) follow(ctx context.Context, q *queue) {
	for {
		err := l.Source(ctx, q.add)
		if ctx.Err() != nil {
			return
		}
		l.Log.Warn("controller lost its watch", "controller", l.Name, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(sourceRetry):
		}
	}
}

func (l *Loop) work(ctx context.Context, q *queue) {
	for {
		key, ok := q.next(ctx)
		if !ok {
			return
		}
		began := time.Now()
		after, err := l.Reconciler.Reconcile(ctx, key)
		if err != nil && ctx.Err() == nil {
			l.Log.Warn("reconciliation failed", "controller", l.Name, "key", key, "error", err)
		}
		q.done(key, began, after, err != nil)
	}
}
