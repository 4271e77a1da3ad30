package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/status"
)

// Causes that callers branch on.
var (
	// ErrNotFound: containerd does not know the container.
	ErrNotFound = errors.New("no such container")
	// ErrUnavailable: containerd went away during the call, which can be
	// repeated when it is back.
	ErrUnavailable = errors.New("containerd is unavailable")
)

// Reasons of the ECS container agent (its error names in SubmitTaskStateChange).
const (
	ReasonCreate = "CannotCreateContainerError"
	ReasonStart  = "CannotStartContainerError"
)

// Error is a container that could not be made or started.
type Error struct {
	Reason string // the part before the colon in a container's reason
	Detail string // what AWS shows after it
	Err    error
}

// Error is the container's reason as AWS shows it.
func (e *Error) Error() string { return e.Reason + ": " + e.Detail }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// refuse is a Spec that cannot be made into a container. Docker prefixes its
// answers so, and AWS shows them as they come.
func refuse(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if passing(native(err)) {
		return fmt.Errorf("create container: %w", native(err))
	}
	return &Error{Reason: ReasonCreate, Detail: "Error response from daemon: " + err.Error(), Err: err}
}

// refuseStart is what Docker finds out only when it makes the process: a user
// that the image does not have, a device that the machine does not have.
func refuseStart(err error) error {
	return &Error{Reason: ReasonStart, Detail: "Error response from daemon: " + err.Error(), Err: err}
}

// failedTask words a process that the low-level runtime could not make. Docker
// makes it when told to start, so it is a start error there.
func failedTask(err error) error {
	if passing(err) {
		return fmt.Errorf("make process: %w", err)
	}
	return &Error{
		Reason: ReasonStart,
		Detail: "Error response from daemon: failed to create task for container: " + strings.TrimSpace(err.Error()),
		Err:    err,
	}
}

// native turns an answer of containerd into an error of its own kinds, and a
// missing container into ErrNotFound.
func native(err error) error {
	if err == nil {
		return nil
	}
	// Only what came straight off the wire needs turning.
	if _, ok := status.FromError(err); ok {
		err = errgrpc.ToNative(err)
	}
	switch {
	case errdefs.IsNotFound(err):
		return &kindred{err, ErrNotFound}
	case errdefs.IsUnavailable(err):
		return &kindred{err, ErrUnavailable}
	}
	return err
}

// kindred is an error of containerd that is also one of ours.
type kindred struct {
	error
	kind error
}

func (k *kindred) Is(target error) bool { return target == k.kind }
func (k *kindred) Unwrap() error        { return k.error }

// passing says that the call may succeed when it is repeated: containerd or the
// caller went away.
func passing(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errdefs.IsCanceled(err) || errdefs.IsDeadlineExceeded(err)
}

func isNotFound(err error) bool {
	return errors.Is(err, ErrNotFound) || errdefs.IsNotFound(err)
}

// isShimGone tells whether containerd lost the container's shim during the call,
// which it reports in these words alone. It cleans up then, and soon knows no
// process any more.
func isShimGone(err error) bool {
	return err != nil && strings.Contains(err.Error(), "ttrpc: closed")
}

// missedShim tells whether a shim that was to take one container more had ended
// meanwhile, which containerd reports in words alone.
func missedShim(err error) bool {
	return isShimGone(err) || strings.Contains(err.Error(), "failed to start shim") && strings.Contains(err.Error(), "connect: ")
}
