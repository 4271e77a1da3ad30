package ecr

import "strings"

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
		excluded = excluded || matches(filter, tag)
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

// matches tells whether text is the filter with any text in place of each *.
func matches(filter, text string) bool {
	parts := strings.Split(filter, "*")
	last := len(parts) - 1
	if last == 0 {
		return filter == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}
