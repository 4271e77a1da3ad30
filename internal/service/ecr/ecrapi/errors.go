package ecrapi

import (
	"errors"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/tag"
)

// visible turns what the room reports into what a client may see. The room's
// errors have AWS's texts already; the codes are given here.
func visible(err error) error {
	if e, ok := errors.AsType[*ecr.RepositoryNotFoundError](err); ok {
		return apierr.Client("RepositoryNotFoundException", "%s", e)
	}
	if e, ok := errors.AsType[*ecr.RepositoryExistsError](err); ok {
		return apierr.Client("RepositoryAlreadyExistsException", "%s", e)
	}
	if e, ok := errors.AsType[*ecr.RepositoryNotEmptyError](err); ok {
		return apierr.Client("RepositoryNotEmptyException", "%s", e)
	}
	if e, ok := errors.AsType[*ecr.ImageNotFoundError](err); ok {
		return apierr.Client("ImageNotFoundException", "%s", e)
	}
	if e, ok := errors.AsType[*tag.Violation](err); ok {
		return apierr.Client("InvalidTagParameterException", "%s", e.Text)
	}
	return err
}

func invalid(member, rule string) error {
	return apierr.Client("InvalidParameterException", ecrshape.API.InvalidText, member, rule)
}
