package iam

import (
	"fmt"

	"github.com/slipway/slipway/internal/authz/policy"
)

// MalformedError says what is wrong with a policy document, in AWS's words where
// those are known.
type MalformedError = policy.MalformedError

// NotFoundError says that there is no such thing. Text is AWS's.
type NotFoundError struct{ Text string }

func (e *NotFoundError) Error() string { return e.Text }

// ExistsError says that a name is taken. Text is AWS's.
type ExistsError struct{ Text string }

func (e *ExistsError) Error() string { return e.Text }

// ConflictError says what must go before a deletion. Text is AWS's.
type ConflictError struct{ Text string }

func (e *ConflictError) Error() string { return e.Text }

// LimitError says which quota is used up. Text is AWS's.
type LimitError struct{ Text string }

func (e *LimitError) Error() string { return e.Text }

// ProtectedError says that a role belongs to a service.
type ProtectedError struct{ Role string }

// Error has AWS's text.
func (e *ProtectedError) Error() string {
	return fmt.Sprintf("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", e.Role)
}

// ForeignError says that a policy is AWS's, which its users cannot change.
type ForeignError struct{}

func (*ForeignError) Error() string { return "Policy is outside your own account." }

// InputError says what is wrong with a request beyond what the model demands.
type InputError struct{ Text string }

func (e *InputError) Error() string { return e.Text }

// TrustError says that a role's trust policy does not let somebody assume it, or
// that there is no such role, which strangers are not told.
type TrustError struct {
	Principal string
	Action    string // sts:AssumeRole, or sts:TagSession if only the tags are refused
	RoleARN   string
}

// Error has AWS's text.
func (e *TrustError) Error() string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", e.Principal, e.Action, e.RoleARN)
}

func roleNotFound(name string) error {
	return &NotFoundError{fmt.Sprintf("The role with name %s cannot be found.", name)}
}

func policyNotFound(policyARN string) error {
	return &NotFoundError{fmt.Sprintf("Policy %s was not found.", policyARN)}
}

// PackedError says that session policies are too large together.
type PackedError struct{ Percent int }

// Error has AWS's text.
func (e *PackedError) Error() string {
	return fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", e.Percent)
}
