package ec2api

import (
	"regexp"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
)

// notFound is the error for ids that name nothing, in AWS's words for one and
// for several.
func notFound(code, kind string, missing []string) error {
	if len(missing) == 1 {
		return apierr.Client(code, "The %s ID '%s' does not exist", kind, missing[0])
	}
	return apierr.Client(code, "The %s IDs '%s' do not exist", kind, strings.Join(missing, ", "))
}

var instanceID = regexp.MustCompile(`^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

// checkInstanceIDs refuses what cannot be an instance id.
func checkInstanceIDs(ids []string) error {
	for _, id := range ids {
		switch {
		case !strings.HasPrefix(id, "i-"):
			return apierr.Client("InvalidInstanceID.Malformed", `Invalid id: "%s" (expecting "i-...")`, id)
		case !instanceID.MatchString(id):
			return apierr.Client("InvalidInstanceID.Malformed", `Invalid id: "%s"`, id)
		}
	}
	return nil
}

// pick returns the records with the ids, or all of them if there are no ids, and
// the ids that none has.
func pick[T any](all []T, ids []string, id func(T) string) (picked []T, missing []string) {
	if len(ids) == 0 {
		return all, nil
	}
	for _, rec := range all {
		if slices.Contains(ids, id(rec)) {
			picked = append(picked, rec)
		}
	}
	for _, wanted := range ids {
		if !slices.ContainsFunc(picked, func(rec T) bool { return id(rec) == wanted }) {
			missing = append(missing, wanted)
		}
	}
	return picked, missing
}
