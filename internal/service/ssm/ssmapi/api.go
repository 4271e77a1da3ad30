// Package ssmapi is the front door of Systems Manager's Parameter Store: it turns API requests into calls of the ssm
// room and its records into API shapes.
//
// It promises AWS's error codes and refuses parameter policies.
package ssmapi

import (
	"errors"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ssm"
	"github.com/slipway/slipway/internal/service/ssm/ssmshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// api holds what the handlers need.
type api struct {
	room *ssm.Room
}

// Register binds the operations of Parameter Store that are served.
func Register(mux *wire.Mux, room *ssm.Room) {
	a := &api{room: room}
	wire.Handle(mux, ssmshape.PutParameter, a.putParameter, about(func(in *ssmshape.PutParameterInput) *string { return in.Name }))
	wire.Handle(mux, ssmshape.GetParameter, a.getParameter, about(func(in *ssmshape.GetParameterInput) *string { return in.Name }))
	wire.Handle(mux, ssmshape.GetParameters, a.getParameters, aboutAll(func(in *ssmshape.GetParametersInput) []string { return in.Names }))
	wire.Handle(mux, ssmshape.GetParametersByPath, a.getParametersByPath, about(func(in *ssmshape.GetParametersByPathInput) *string { return in.Path }))
	wire.Handle(mux, ssmshape.GetParameterHistory, a.getParameterHistory, about(func(in *ssmshape.GetParameterHistoryInput) *string { return in.Name }))
	wire.Handle(mux, ssmshape.DescribeParameters, a.describeParameters)
	wire.Handle(mux, ssmshape.DeleteParameter, a.deleteParameter, about(func(in *ssmshape.DeleteParameterInput) *string { return in.Name }))
	wire.Handle(mux, ssmshape.DeleteParameters, a.deleteParameters, aboutAll(func(in *ssmshape.DeleteParametersInput) []string { return in.Names }))
	wire.Handle(mux, ssmshape.LabelParameterVersion, a.labelParameterVersion, about(func(in *ssmshape.LabelParameterVersionInput) *string { return in.Name }))
	wire.Handle(mux, ssmshape.UnlabelParameterVersion, a.unlabelParameterVersion, about(func(in *ssmshape.UnlabelParameterVersionInput) *string { return in.Name }))
	wire.Handle(mux, ssmshape.AddTagsToResource, a.addTags, about(func(in *ssmshape.AddTagsToResourceInput) *string { return in.ResourceId }))
	wire.Handle(mux, ssmshape.RemoveTagsFromResource, a.removeTags, about(func(in *ssmshape.RemoveTagsFromResourceInput) *string { return in.ResourceId }))
	wire.Handle(mux, ssmshape.ListTagsForResource, a.listTags, about(func(in *ssmshape.ListTagsForResourceInput) *string { return in.ResourceId }))
}

// about says that an operation acts on the parameter of that name.
func about[In any](name func(*In) *string) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		return []string{resource(call, deref(name(in.(*In))))}
	})
}

// aboutAll says that an operation acts on the parameters of these names.
func aboutAll[In any](names func(*In) []string) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		var arns []string
		for _, name := range names(in.(*In)) {
			arns = append(arns, resource(call, name))
		}
		return arns
	})
}

// resource is the ARN that policies are held against: without a version or a label.
func resource(call *wire.Call, ref string) string {
	if arn.Is(ref) {
		return ref
	}
	return scope(call).ARN(withoutSelector(ref))
}

func scope(call *wire.Call) ssm.Scope { return ssm.Scope{Account: call.Account, Region: call.Region} }

func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// given is a pointer to s, nil for an empty one: Systems Manager leaves out what is not there.
func given[T comparable](s T) *T {
	if s == *new(T) {
		return nil
	}
	return &s
}

// visible turns what the room reports into what a client may see.
func visible(err error) error {
	if e, ok := errors.AsType[*ssm.Error](err); ok {
		return apierr.Client(e.Code, "%s", e.Text)
	}
	if e, ok := errors.AsType[*tag.Violation](err); ok {
		return apierr.Client("ValidationException", "%s", e.Text)
	}
	return err
}
