package ec2

import (
	"fmt"
	"strings"
)

// NotFoundError says that ids name nothing in the scope.
type NotFoundError struct {
	Kind string // "instance", "subnet" or "vpc"
	IDs  []string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no %s %s", e.Kind, strings.Join(e.IDs, ", "))
}

// NoAddressError says that all addresses of a subnet are given out.
type NoAddressError struct{ Subnet string }

func (e *NoAddressError) Error() string { return "no free address in " + e.Subnet }

// TypeError says that there is no such instance type.
type TypeError struct{ Type string }

func (e *TypeError) Error() string { return "no instance type " + e.Type }

// StateError says that an instance cannot go from one state to another.
type StateError struct {
	ID       string
	From, To State
}

func (e *StateError) Error() string {
	return fmt.Sprintf("instance %s cannot go from %s to %s", e.ID, e.From, e.To)
}
