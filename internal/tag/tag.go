// Package tag holds the tags that AWS resources carry and the rules that every
// service shares: at most 50 per resource, keys of 1 to 128 and values of 0 to
// 256 characters, no key beginning with "aws:" from a user, no key twice.
//
// It decides and refuses; which error code a client sees for a Violation is the
// service's own choice.
package tag

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tag is one key and its value.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Limits of AWS (service-quotas and tag restrictions of the ECS developer
// guide: ecs-using-tags).
const (
	MaxPerResource = 50
	MaxKey         = 128
	MaxValue       = 256
)

// Violation says which rule a tag breaks.
type Violation struct{ Text string }

func (v *Violation) Error() string { return v.Text }

// Check validates tags as a user sent them: each one alone, and all together
// with those that the resource has already.
func Check(existing, added []Tag) error {
	seen := map[string]bool{}
	for _, t := range added {
		if err := checkOne(t); err != nil {
			return err
		}
		if seen[t.Key] {
			return &Violation{fmt.Sprintf("Duplicate tag keys found. Please note that Tag keys are case insensitive. Key: %s", t.Key)}
		}
		seen[t.Key] = true
	}
	if len(userTags(Merge(existing, added))) > MaxPerResource {
		return &Violation{fmt.Sprintf("The maximum number of tags per resource is %d.", MaxPerResource)}
	}
	return nil
}

func checkOne(t Tag) error {
	switch n := utf8.RuneCountInString(t.Key); {
	case n == 0:
		return &Violation{"Tag key must not be null or empty."}
	case n > MaxKey:
		return &Violation{fmt.Sprintf("Tag key must have length less than or equal to %d.", MaxKey)}
	case utf8.RuneCountInString(t.Value) > MaxValue:
		return &Violation{fmt.Sprintf("Tag value must have length less than or equal to %d.", MaxValue)}
	case Reserved(t.Key):
		return &Violation{"aws: prefixed tag key names are not allowed for external use."}
	}
	return nil
}

// Reserved tells whether only AWS itself may set the key.
func Reserved(key string) bool {
	return strings.HasPrefix(strings.ToLower(key), "aws:")
}

func userTags(tags []Tag) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return Reserved(t.Key) })
}

// Merge returns base with added upserted by key, in order of first appearance.
func Merge(base, added []Tag) []Tag {
	out := slices.Clone(base)
	for _, t := range added {
		if i := slices.IndexFunc(out, func(o Tag) bool { return o.Key == t.Key }); i >= 0 {
			out[i] = t
			continue
		}
		out = append(out, t)
	}
	return out
}

// Remove returns base without the tags of the given keys.
func Remove(base []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(base), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
