package ecs

import "github.com/slipway/slipway/internal/page"

// pageSize is how many items a page holds: as many as were asked for, from 1 to
// most.
func pageSize(asked *int32, whenAbsent, most int) (int, error) {
	if asked == nil {
		return whenAbsent, nil
	}
	if *asked < 1 || int(*asked) > most {
		return 0, ErrInvalidParameter("maxResults must be between 1 and %d.", most)
	}
	return int(*asked), nil
}

// pageStart is the sort key after which the page of a token begins, "" for the
// first page. within is the page.Scope of the list.
func pageStart(within, token string) (string, error) {
	after, err := page.Decode(within, token)
	if err != nil {
		return "", errServicePageToken()
	}
	return after, nil
}

func errServicePageToken() error { return ErrInvalidParameter("Invalid token") }
