package schedule

import (
	"errors"
	"slices"
	"testing"
)

func TestValidateConstraints(t *testing.T) {
	tests := []struct {
		name        string
		constraints []Constraint
		want        string // error text, whole; "" for none
	}{
		{"none", nil, ""},
		{"both types", []Constraint{{Type: "distinctInstance"}, {"memberOf", "attribute:a == b"}}, ""},
		{"ten", slices.Repeat([]Constraint{{"memberOf", "attribute:a == b"}}, 10), ""},
		{"eleven", slices.Repeat([]Constraint{{"memberOf", "attribute:a == b"}}, 11), "placementConstraints can have at most 10 items."},
		{"distinctInstance with an expression", []Constraint{{"distinctInstance", "attribute:a == b"}}, "distinctInstance expression should not be specified."},
		{"memberOf without", []Constraint{{Type: "memberOf"}}, "memberOf expression must be specified."},
		{"memberOf of spaces", []Constraint{{"memberOf", " "}}, "memberOf expression must be specified."},
		{"bad expression", []Constraint{{"memberOf", "attribute:a is b"}}, `Invalid constraint expression "attribute:a is b": Invalid expression at position 13: expected an operator that attribute:a takes (== != in !in =~ !~ exists !exists > >= < <=), found "is".`},
		{"unknown type", []Constraint{{Type: "memberof"}}, "constraint.type 'memberof' is not supported."},
		{"no type", []Constraint{{}}, "constraint.type '' is not supported."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantParameterError(t, ValidateConstraints(tt.constraints), tt.want) })
	}
}

func TestValidateStrategy(t *testing.T) {
	tests := []struct {
		name       string
		strategies []Strategy
		want       string
	}{
		{"none", nil, ""},
		{"all types", []Strategy{{"spread", "attribute:ecs.availability-zone"}, {"binpack", "cpu"}, {"random", ""}}, ""},
		{"fields are not case-sensitive", []Strategy{{"binpack", "MEMORY"}, {"spread", "InstanceID"}, {"spread", "HOST"}, {"spread", "Attribute:x"}}, ""},
		{"five", slices.Repeat([]Strategy{{Type: "random"}}, 5), ""},
		{"six", slices.Repeat([]Strategy{{Type: "random"}}, 6), "placementStrategy can have at most 5 items."},
		{"random with a field", []Strategy{{"random", "cpu"}}, "random strategy field should not be specified."},
		{"spread without", []Strategy{{Type: "spread"}}, "spread strategy field must be specified."},
		{"spread over cpu", []Strategy{{"spread", "cpu"}}, "spread strategy field 'cpu' is not supported."},
		{"spread over no attribute", []Strategy{{"spread", "attribute:"}}, "spread strategy field 'attribute:' is not supported."},
		{"binpack without", []Strategy{{Type: "binpack"}}, "binpack strategy field must be specified."},
		{"binpack of instances", []Strategy{{"binpack", "instanceId"}}, "binpack strategy field 'instanceId' is not supported."},
		{"unknown type", []Strategy{{"Spread", "host"}}, "strategy.type 'Spread' is not supported."},
		{"bad after random", []Strategy{{Type: "random"}, {"binpack", "disk"}}, "binpack strategy field 'disk' is not supported."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantParameterError(t, ValidateStrategy(tt.strategies), tt.want) })
	}
}

func wantParameterError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("error %v", err)
		}
		return
	}
	if p, ok := errors.AsType[*ParameterError](err); !ok || p.Message != want || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestPlaceRefusesInvalidRequests(t *testing.T) {
	f := NewFleet([]Instance{{ID: "i", Status: "ACTIVE", Connected: true}})
	for _, req := range []Request{
		{Count: 1, Constraints: []Constraint{{memberOf, "("}}},
		{Count: 1, Strategy: []Strategy{{"spread", "zone"}}},
		{Count: 1, Strategy: []Strategy{{"spread", "zone"}}, Only: map[string]bool{"i": true}},
	} {
		result, err := f.Place(&req, nil)
		if _, ok := errors.AsType[*ParameterError](err); !ok || len(result.Placements)+len(result.Refusals) > 0 {
			t.Errorf("%+v: %+v, %v", req, result, err)
		}
	}
}

// TestExplain has the clauses of the service event (developer guide, service-event-messages-list).
func TestExplain(t *testing.T) {
	for reason, want := range map[Reason]string{
		ReasonCPU:       "has insufficient CPU units available.",
		ReasonMemory:    "has insufficient memory available.",
		ReasonPorts:     "is already using a port required by your task.",
		ReasonAttribute: "is missing an attribute required by your task.",
		ReasonAgent:     `encountered error "AGENT".`,
		ReasonGPU:       `encountered error "RESOURCE:GPU".`,
		ReasonENI:       `encountered error "RESOURCE:ENI".`,
		ReasonLocation:  `encountered error "LOCATION".`,
		ReasonMemberOf:  `encountered error "MemberOf placement constraint unsatisfied.".`,
		ReasonDistinct:  `encountered error "DistinctInstance placement constraint unsatisfied.".`,
	} {
		if got := Explain(Refusal{"i", reason}); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}

// TestShape holds that no two requests that differ in more than their count share a plan.
func TestShape(t *testing.T) {
	shapes := map[string]string{}
	for name, req := range map[string]Request{
		"empty":              {},
		"group":              {Group: "service:a"},
		"service":            {Service: true},
		"cpu":                {Need: Need{CPU: 1}},
		"memory":             {Need: Need{Memory: 1}},
		"gpu":                {Need: Need{GPU: 1}},
		"eni":                {Need: Need{ENI: 1}},
		"tcp":                {Need: Need{TCP: PortsOf(1)}},
		"udp":                {Need: Need{UDP: PortsOf(1)}},
		"another port":       {Need: Need{TCP: PortsOf(2)}},
		"port in a word":     {Need: Need{TCP: PortsOf(64)}},
		"required":           {Required: []Attribute{{"a", "b"}}},
		"required, split":    {Required: []Attribute{{"ab", ""}}},
		"zones":              {Zones: []string{"ab"}},
		"zones, split":       {Zones: []string{"a", "b"}},
		"constraint":         {Constraints: []Constraint{{distinctInstance, ""}}},
		"expression":         {Constraints: []Constraint{{memberOf, "a"}}},
		"another expression": {Constraints: []Constraint{{memberOf, "b"}}},
		"strategy":           {Strategy: []Strategy{{binpack, "cpu"}}},
		"another strategy":   {Strategy: []Strategy{{binpack, "memory"}}},
		"two strategies":     {Strategy: []Strategy{{binpack, "cpu"}, {binpack, "memory"}}},
	} {
		shape := string(appendShape(nil, &req))
		if other, ok := shapes[shape]; ok {
			t.Errorf("%s and %s have one shape", name, other)
		}
		shapes[shape] = name
		req.Count = 7
		if again := string(appendShape(nil, &req)); again != shape {
			t.Errorf("%s: the count is in the shape", name)
		}
	}
}
