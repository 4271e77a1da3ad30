package ecsapi

import (
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// scopeOf is the account and the region that a call acts in.
func scopeOf(call *wire.Call) ecs.Scope {
	return ecs.Scope{Account: call.Account, Region: call.Region}
}

func callerOf(call *wire.Call) ecs.Caller { return ecs.Caller{ARN: call.Principal.ARN} }

// value is what p points at, or the zero value where a member is absent.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// textOrAbsent leaves an empty string out of an answer.
func textOrAbsent(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func tagsOf(shapes []ecsshape.Tag) []tag.Tag {
	var out []tag.Tag
	for i := range shapes {
		out = append(out, tag.Tag{Key: value(shapes[i].Key), Value: value(shapes[i].Value)})
	}
	return out
}

func tagShapes(tags []tag.Tag) []ecsshape.Tag {
	out := make([]ecsshape.Tag, len(tags))
	for i := range tags {
		out[i] = ecsshape.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return out
}

func failureShapes(failures []ecs.Failure) []ecsshape.Failure {
	out := make([]ecsshape.Failure, len(failures))
	for i := range failures {
		f := &failures[i]
		out[i] = ecsshape.Failure{Arn: &f.ARN, Reason: &f.Reason, Detail: textOrAbsent(f.Detail)}
	}
	return out
}

// missingShapes are failures[] of things that do not exist.
func missingShapes(arns []string) []ecsshape.Failure {
	out := make([]ecsshape.Failure, len(arns))
	for i := range arns {
		out[i] = ecsshape.Failure{Arn: &arns[i], Reason: new("MISSING")}
	}
	return out
}

// present makes an absent list an empty one: AWS sends it.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
