package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/api/errcode"
	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"

	"github.com/slipway/slipway/internal/store"
)

// hide returns err if it is an answer of the protocol. Anything else is logged
// here with what was being done, and the client learns only that it failed: the
// engine would tell it paths.
func (r *Registry) hide(doing string, err error) error {
	if err == nil || isAnswer(err) {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err // the client has gone
	case noSpace(err):
		r.cfg.Log.Error("registry storage is full", "doing", doing, "err", err)
		return errcode.ErrorCodeUnavailable.WithMessage("no space left in the registry's storage")
	}
	r.cfg.Log.Error("registry failed", "doing", doing, "err", err)
	return errcode.ErrorCodeUnavailable.WithMessage("the registry's storage failed")
}

// isAnswer tells whether the engine has its own words for err. The engine looks
// at err itself and not at what it wraps, and so must this.
func isAnswer(err error) bool {
	switch err.(type) { //nolint:errorlint // see above
	case errcode.Error, errcode.Errors, errcode.ErrorCode,
		distribution.ErrManifestVerification, distribution.ErrBlobInvalidDigest,
		distribution.ErrManifestUnknownRevision, distribution.ErrTagUnknown:
		return true
	}
	switch err {
	case distribution.ErrBlobUnknown, distribution.ErrBlobUploadUnknown, distribution.ErrUnsupported, //nolint:errorlint // see above
		distribution.ErrAccessDenied, distribution.ErrBlobInvalidLength, distribution.ErrBlobDigestUnsupported:
		return true
	}
	return false
}

// ofStorage tells whether err comes from the storage rather than from the client.
func ofStorage(err error) bool {
	if isAnswer(err) {
		return false
	}
	if _, ok := errors.AsType[storagedriver.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*os.LinkError](err); ok {
		return true
	}
	return noSpace(err)
}

func noSpace(err error) bool {
	if e, ok := errors.AsType[storagedriver.Error](err); ok {
		err = e.Detail // it does not unwrap
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, store.ErrNoSpace)
}
