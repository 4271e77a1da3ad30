package ecrapi

import (
	"errors"
	"strings"

	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
)

// imageFailure is why a batch operation did not do one of its images.
type imageFailure struct{ code, reason string }

func (f *imageFailure) Error() string { return f.code + ": " + f.reason }

func (f *imageFailure) shape(id ecrshape.ImageIdentifier) ecrshape.ImageFailure {
	return ecrshape.ImageFailure{FailureCode: &f.code, FailureReason: &f.reason, ImageId: &id}
}

// The failures that need no more than their code to be explained.
var (
	errImageNotFound = &imageFailure{ecrshape.ImageFailureCodeImageNotFound, "Requested image not found"}
	errNoID          = &imageFailure{
		ecrshape.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null",
	}
	errDigestForm = &imageFailure{
		ecrshape.ImageFailureCodeInvalidImageDigest,
		"Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
	}
)

// checkID refuses an id that cannot name an image.
func checkID(id ecrshape.ImageIdentifier) error {
	switch {
	case id.ImageDigest == nil && id.ImageTag == nil:
		return errNoID
	case id.ImageDigest != nil && !digestForm.MatchString(*id.ImageDigest):
		return errDigestForm
	}
	return nil
}

// failureOf turns the room's errors about an image into failures and leaves
// others alone.
func failureOf(err error) error {
	if _, ok := errors.AsType[*ecr.ImageNotFoundError](err); ok {
		return errImageNotFound
	}
	if e, ok := errors.AsType[*ecr.ReferencedError](err); ok {
		return &imageFailure{
			ecrshape.ImageFailureCodeImageReferencedByManifestList,
			"Requested image referenced by manifest list: [" + strings.Join(e.By, ", ") + "]",
		}
	}
	return err
}
