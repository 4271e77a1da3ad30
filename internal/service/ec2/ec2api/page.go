package ec2api

import (
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
)

// cut returns the page of at most limit records (nil: 1000) that the token asks
// for, and the token of the next one. all is in the order of key.
func cut[T any](all []T, key func(T) string, scope string, token *string, limit *int32) ([]T, *string, error) {
	after, err := page.Decode(scope, deref(token))
	if err != nil {
		return nil, nil, apierr.Client("InvalidNextToken", "The token '%s' is invalid", deref(token))
	}
	n := 1000
	if limit != nil {
		n = int(*limit)
	}
	var out []T
	for _, rec := range all {
		if key(rec) <= after {
			continue
		}
		if len(out) == n {
			return out, new(page.Encode(scope, key(out[n-1]))), nil
		}
		out = append(out, rec)
	}
	return out, nil, nil
}
