package logsapi

import (
	"errors"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/tag"
)

// codes are the API's for the room's kinds of refusals.
var codes = map[logs.Kind]string{
	logs.Invalid:     logsshape.CodeInvalidParameterException,
	logs.NotFound:    logsshape.CodeResourceNotFoundException,
	logs.Exists:      logsshape.CodeResourceAlreadyExistsException,
	logs.Limit:       logsshape.CodeLimitExceededException,
	logs.Unsupported: logsshape.CodeInvalidOperationException,
	logs.Protected:   logsshape.CodeValidationException,
	logs.Unavailable: logsshape.CodeServiceUnavailableException,
}

// visible turns what the room reports into what a client may see. The room's
// errors have AWS's texts already; the codes are given here.
func visible(err error) error {
	if e, ok := errors.AsType[*logs.Error](err); ok {
		return apierr.Client(codes[e.Kind], "%s", e.Text)
	}
	if e, ok := errors.AsType[*tag.Violation](err); ok {
		return invalid("%s", e.Text)
	}
	return err
}

func invalid(format string, args ...any) error {
	return apierr.Client(logsshape.CodeInvalidParameterException, format, args...)
}
