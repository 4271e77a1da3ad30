package ecr

import "github.com/slipway/slipway/internal/wildcard"

// The ways in which a repository lets tags move. With an exclusion, the tags
// that match one of the filters follow the opposite rule.
const (
	Mutable                = "MUTABLE"
	Immutable              = "IMMUTABLE"
	MutableWithExclusion   = "MUTABLE_WITH_EXCLUSION"
	ImmutableWithExclusion = "IMMUTABLE_WITH_EXCLUSION"
)

// Mutability says which tags may be moved to another image.
type Mutability struct {
	Mode    string   `json:"mode"`
	Exclude []string `json:"exclude,omitempty"` // filters in which * stands for any text
}

// Fixed tells whether the tag must stay where it is.
func (m Mutability) Fixed(tag string) bool {
	excluded := false
	for _, filter := range m.Exclude {
		excluded = excluded || wildcard.Match(filter, tag)
	}
	switch m.Mode {
	case Immutable:
		return true
	case ImmutableWithExclusion:
		return !excluded
	case MutableWithExclusion:
		return excluded
	}
	return false
}
