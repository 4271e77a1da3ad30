package ec2api

import (
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
)

// cut returns the page of at most limit records (nil: 1000) that the token asks
// for, and the token of the next one. all is in the order of key.
func cut[T any](all []T, key func(T) string, scope string, token *string, limit *int32) ([]T, *string, error) {
	size := 1000
	if limit != nil {
		size = int(*limit)
	}
	list, next, err := page.Cut(all, key, scope, deref(token), size)
	switch {
	case err != nil:
		return nil, nil, apierr.Client("InvalidNextToken", "The token '%s' is invalid", deref(token))
	case next == "":
		return list, nil, nil
	}
	return list, &next, nil
}
