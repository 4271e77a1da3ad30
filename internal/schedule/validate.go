package schedule

import (
	"fmt"
	"strings"

	"github.com/slipway/slipway/internal/schedule/query"
)

// A ParameterError refuses a request's constraints or strategies. Its text is what a client should see with the code
// InvalidParameterException.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func invalid(format string, args ...any) error { return &ParameterError{fmt.Sprintf(format, args...)} }

// Quotas of one request (developer guide, task-placement).
const (
	maxConstraints = 10
	maxStrategies  = 5
)

// Types of constraints and strategies (PlacementConstraintType and PlacementStrategyType in the API model).
const (
	distinctInstance = "distinctInstance"
	memberOf         = "memberOf"

	random  = "random"
	spread  = "spread"
	binpack = "binpack"
)

// ValidateConstraints checks the constraints of one request, or of one task definition. Its error is a
// [*ParameterError].
func ValidateConstraints(constraints []Constraint) error {
	if len(constraints) > maxConstraints {
		return invalid("placementConstraints can have at most %d items.", maxConstraints)
	}
	_, err := parseConstraints(constraints)
	return err
}

// constraintSet is what a list of constraints asks for.
type constraintSet struct {
	distinct bool
	members  []*query.Expr
}

func parseConstraints(constraints []Constraint) (constraintSet, error) {
	var set constraintSet
	for _, c := range constraints {
		switch c.Type {
		case distinctInstance:
			if c.Expression != "" {
				// Observed answer of CreateService.
				return set, invalid("distinctInstance expression should not be specified.")
			}
			set.distinct = true
		case memberOf:
			if strings.TrimSpace(c.Expression) == "" {
				return set, invalid("memberOf expression must be specified.")
			}
			expr, err := query.Parse(c.Expression)
			if err != nil {
				return set, invalid("Invalid constraint expression %q: %v", c.Expression, err)
			}
			set.members = append(set.members, expr)
		default:
			// Observed answer of RegisterTaskDefinition for a type that it does not take.
			return set, invalid("constraint.type '%s' is not supported.", c.Type)
		}
	}
	return set, nil
}

// ValidateStrategy checks the strategies of one request. Its error is a [*ParameterError].
func ValidateStrategy(strategies []Strategy) error {
	if len(strategies) > maxStrategies {
		return invalid("placementStrategy can have at most %d items.", maxStrategies)
	}
	_, err := parseStrategies(strategies)
	return err
}

// parseStrategies turns strategies into the levels of a ranking. Nothing after random matters, since random leaves one
// instance, and neither does a strategy that was there before.
func parseStrategies(strategies []Strategy) ([]level, error) {
	var levels []level
	seen := map[level]bool{}
	decided := false
	for _, s := range strategies {
		l, err := parseStrategy(s)
		if err != nil {
			return nil, err
		}
		if decided = decided || l.kind == byChance; decided || seen[l] {
			continue
		}
		seen[l] = true
		levels = append(levels, l)
	}
	return levels, nil
}

func parseStrategy(s Strategy) (level, error) {
	field := strings.ToLower(s.Field)
	switch s.Type {
	case random:
		if s.Field != "" {
			return level{}, invalid("random strategy field should not be specified.")
		}
		return level{kind: byChance}, nil
	case spread:
		const prefix = "attribute:"
		if strings.HasPrefix(field, prefix) && len(field) > len(prefix) {
			return level{byAttribute, s.Field[len(prefix):]}, nil
		}
		if field == "instanceid" || field == "host" {
			return level{kind: byInstance}, nil
		}
	case binpack:
		switch field {
		case "cpu":
			return level{kind: byCPU}, nil
		case "memory":
			return level{kind: byMemory}, nil
		}
	default:
		return level{}, invalid("strategy.type '%s' is not supported.", s.Type)
	}
	if s.Field == "" {
		return level{}, invalid("%s strategy field must be specified.", s.Type)
	}
	return level{}, invalid("%s strategy field '%s' is not supported.", s.Type, s.Field)
}
