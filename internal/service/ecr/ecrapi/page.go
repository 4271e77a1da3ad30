package ecrapi

import "github.com/slipway/slipway/internal/page"

// defaultPage is how many results a page has unless the client says otherwise,
// the same for all lists of ECR.
const defaultPage = 100

func limit(maxResults *int32) int {
	if maxResults == nil {
		return defaultPage
	}
	return int(*maxResults)
}

// position is the sort key after which the page of a token starts.
func position(scope string, token *string) (string, error) {
	after, err := page.Decode(scope, deref(token))
	if err != nil {
		return "", invalid("nextToken", "must be a token that an earlier response returned")
	}
	return after, nil
}

// cut returns the page of all (in the order of key) that the token asks for, and
// the token of the next one.
func cut[T any](all []T, key func(T) string, scope string, token *string, maxResults *int32) ([]T, *string, error) {
	after, err := position(scope, token)
	if err != nil {
		return nil, nil, err
	}
	out := []T{}
	for _, rec := range all {
		if key(rec) <= after {
			continue
		}
		if len(out) == limit(maxResults) {
			return out, new(page.Encode(scope, key(out[len(out)-1]))), nil
		}
		out = append(out, rec)
	}
	return out, nil, nil
}
