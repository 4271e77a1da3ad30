package logs

import (
	"fmt"
	"strings"
)

// Kind says which sort of refusal an Error is.
type Kind int

// The kinds of refusals.
const (
	Invalid     Kind = iota // a parameter is wrong
	NotFound                // what is named does not exist
	Exists                  // the name is taken
	Limit                   // there would be too many
	Unsupported             // the group's class does not have it
	Protected               // deletion protection is on
	Unavailable             // the service cannot do it at present
)

// Error is a refusal with AWS's text.
type Error struct {
	Kind Kind
	Text string
}

func (e *Error) Error() string { return e.Text }

// What the room refuses.
var (
	ErrGroupNotFound  = &Error{NotFound, "The specified log group does not exist."}
	ErrStreamNotFound = &Error{NotFound, "The specified log stream does not exist."}
	ErrFilterNotFound = &Error{NotFound, "The specified metric filter does not exist."}
	ErrGroupExists    = &Error{Exists, "The specified log group already exists"}
	ErrStreamExists   = &Error{Exists, "The specified log stream already exists"}

	ErrProtected         = &Error{Protected, "Log group deletion is not allowed because deletion protection is enabled for this log group."}
	ErrDeliveryRetention = &Error{Invalid, "The retention of a log group of class DELIVERY is fixed."}
	ErrNotStandard       = &Error{Unsupported, "The operation is supported for log groups of class STANDARD alone."}
	ErrTooManyFilters    = &Error{Limit, "Resource limit exceeded."}
	ErrTooManySessions   = &Error{Limit, "Resource limit exceeded."}
	ErrToken             = &Error{Invalid, "The specified nextToken is invalid."}
	ErrNoSpace           = &Error{Unavailable, "There is no space left for log events."}
	ErrName              = &Error{Invalid, "A name must not hold the null character."}
)

func invalid(format string, args ...any) error {
	return &Error{Invalid, fmt.Sprintf(format, args...)}
}

// retentionError says that events cannot be kept for so many days.
func retentionError(days int32) error {
	allowed := strings.ReplaceAll(strings.Trim(fmt.Sprint(retentions), "[]"), " ", ", ")
	return invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		days, allowed)
}
