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

// cut returns the page of all (in the order of key) that the token asks for, and
// the token of the next one.
func cut[T any](all []T, key func(T) string, scope string, token *string, maxResults *int32) ([]T, *string, error) {
	list, next, err := page.Cut(all, key, scope, deref(token), limit(maxResults))
	switch {
	case err != nil:
		return nil, nil, errToken()
	case list == nil:
		return []T{}, nil, nil // ECR sends the empty list
	case next == "":
		return list, nil, nil
	}
	return list, &next, nil
}

func errToken() error {
	return invalid("nextToken", "must be a token that an earlier response returned")
}
