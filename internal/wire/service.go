package wire

import (
	"slices"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/shape"
)

// The protocols, by the names that API models use.
const (
	ProtocolJSON  = "json"
	ProtocolQuery = "query"
	ProtocolEC2   = "ec2"
)

// Service describes one AWS service: the metadata of its model and the words it
// uses for errors that any operation may meet.
type Service struct {
	Name         string   // prefix of its IAM actions: "ecs"
	SigningName  string   // service of the credential scope
	Protocols    []string // spoken protocols, the preferred one first
	TargetPrefix string   // of X-Amz-Target, for json
	JSONVersion  string   // "1.0" or "1.1"
	APIVersion   string   // "2014-11-13"
	XMLNamespace string   // of XML answers
	Operations   []string // every operation of the model, served or not, sorted

	Errors      map[string]ErrorSpec // modelled errors by code, as far as they differ from the protocol's defaults
	Constraints shape.Constraints    // what tags of its shapes refer to

	InvalidCode  string // code of a violated constraint: "InvalidParameterException"
	InvalidText  string // format of the first violation's path and rule ("must …"); "": all of them, in AWS's usual words
	MissingCode  string // code of an absent required member; "": InvalidCode
	InternalCode string // code of an error that is nobody's business
}

// ErrorSpec is what a model says of an error.
type ErrorSpec struct {
	Status int
	Fault  apierr.Fault
}

// knows reports whether AWS has the operation.
func (s *Service) knows(operation string) bool {
	_, ok := slices.BinarySearch(s.Operations, operation)
	return ok
}

// Operation names one operation and ties it to its shapes.
type Operation[In, Out any] struct {
	Service *Service
	Name    string
}
