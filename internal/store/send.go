package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	commitTimeout = 6 * time.Second // for all sendings of a proposal; an election in etcd fits into it
	sendTimeout   = 3 * time.Second // for one sending to an external etcd
)

// outcome is what became of a proposal: committed as the revision, or refused for a change that the revision has.
type outcome struct {
	committed bool
	revision  int64
}

// propose sends a proposal until its outcome is known or the time is up. It does not end with ctx, because a commit on
// its way cannot be called back.
func (s *Store) propose(ctx context.Context, p *proposal) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	resyncs := s.resyncs.Load()
	for sent := 1; ; sent++ {
		resp, err := s.send(ctx, p)
		switch {
		case err == nil && resp.Succeeded:
			return outcome{true, resp.Header.Revision}, nil
		case err == nil && sent == 1:
			return outcome{false, resp.Header.Revision}, nil
		case err == nil:
			return s.trace(ctx, p, resp.Header.Revision, resyncs)
		}
		if refused := refusal(err); refused != nil {
			s.noticeFull(refused)
			return outcome{}, refused
		}
		select {
		case <-ctx.Done():
			return s.abandon(p, err)
		case <-time.After(min(retryLeast<<sent, time.Second)):
		}
	}
}

func (s *Store) send(ctx context.Context, p *proposal) (*clientv3.TxnResponse, error) {
	if !s.Embedded() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sendTimeout)
		defer cancel()
	}
	return s.conn.Txn(ctx).If(p.guards...).Then(p.ops...).Commit()
}

// refusal recognises the errors that mean that etcd did not, and will not, carry
// out the proposal; it returns nil for every other.
func refusal(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrNoSpace):
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	case errors.Is(err, rpctypes.ErrTooManyOps), errors.Is(err, rpctypes.ErrRequestTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, rpctypes.ErrTooManyRequests):
		return nil // etcd is behind and asks for patience
	}
	switch code(err) {
	case codes.ResourceExhausted:
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition:
		return fmt.Errorf("commit: %w", err)
	default:
		return nil
	}
}

// code is the gRPC code of an error, whether it comes from etcd or from the connection.
func code(err error) codes.Code {
	if e, ok := errors.AsType[rpctypes.EtcdError](err); ok {
		return e.Code()
	}
	return status.Code(err)
}

// noticeFull wakes maintenance when etcd's quota is used up, for that may be mere history.
func (s *Store) noticeFull(err error) {
	if errors.Is(err, ErrNoSpace) {
		select {
		case s.full <- struct{}{}:
		default:
		}
	}
}

// trace finds out who was first when a repeated proposal is refused: an earlier sending of its own, whose answer was
// lost, or someone else. The watch has seen which, once the snapshot holds the revision of the refusal.
func (s *Store) trace(ctx context.Context, p *proposal, refused, resyncs int64) (outcome, error) {
	if err := s.awaitRevision(ctx, refused); err != nil {
		return s.abandon(p, err)
	}
	if number, ok := s.marks.find(p.mark); ok {
		return outcome{true, number}, nil
	}
	if !p.marked || s.resyncs.Load() != resyncs {
		return s.abandon(p, errors.New("its answer was lost"))
	}
	return outcome{false, refused}, nil
}

// abandon gives up on a proposal, unless the watch has meanwhile seen it happen.
func (s *Store) abandon(p *proposal, err error) (outcome, error) {
	if number, ok := s.marks.find(p.mark); ok {
		return outcome{true, number}, nil
	}
	return outcome{}, fmt.Errorf("%w: commit not confirmed: %w", ErrUnavailable, err)
}
