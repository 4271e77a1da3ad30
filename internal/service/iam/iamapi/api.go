// Package iamapi is the front door of AWS IAM: roles, their policies, managed
// policies and instance profiles.
//
// It promises AWS's codes and texts, documents that are URL-encoded in answers as
// AWS's are, and lists in the order of names. IAM is one for all regions: the
// region of a request does not matter. It leaves out users, groups and access
// keys, which Slipway's accounts do not have.
package iamapi

import (
	"errors"

	"net/url"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// api holds what the handlers need.
type api struct{ room *iam.Room }

// Register binds the operations of IAM that are served.
func Register(mux *wire.Mux, room *iam.Room) {
	a := &api{room}
	a.registerRoles(mux)
	a.registerRolePolicies(mux)
	a.registerPolicies(mux)
	a.registerProfiles(mux)
	a.registerLinked(mux)
}

// seen turns what the room reports into what the caller sees.
func seen(err error) error {
	if e, ok := errors.AsType[*iam.ForeignError](err); ok {
		return &wire.Denied{Text: e.Error()}
	}
	for _, known := range []struct {
		code string
		err  error
	}{
		{iamshape.CodeNoSuchEntity, as[*iam.NotFoundError](err)},
		{iamshape.CodeEntityAlreadyExists, as[*iam.ExistsError](err)},
		{iamshape.CodeDeleteConflict, as[*iam.ConflictError](err)},
		{iamshape.CodeLimitExceeded, as[*iam.LimitError](err)},
		{iamshape.CodeUnmodifiableEntity, as[*iam.ProtectedError](err)},
		{iamshape.CodeInvalidInput, as[*iam.InputError](err)},
		{iamshape.CodeInvalidInput, as[*tag.Violation](err)},
		{iamshape.CodeMalformedPolicyDocument, as[*iam.MalformedError](err)},
	} {
		if known.err != nil {
			return apierr.Client(known.code, "%s", known.err)
		}
	}
	return err
}

// as is the error of that type in err, nil if there is none.
func as[E error](err error) error {
	if e, ok := errors.AsType[E](err); ok {
		return e
	}
	return nil
}

// empty answers an operation that says nothing but whether it worked.
func empty[Out any](err error) (*Out, error) {
	if err != nil {
		return nil, seen(err)
	}
	return nil, nil
}

// encoded is how IAM gives documents back: RFC 3986, with %20 for a space.
func encoded(document string) *string {
	return new(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

// listing is what all lists are asked for with.
type listing struct {
	marker *string
	limit  *int32
}

// cut returns the page of a list and whether there is more. all is in the order
// of key; scope is what the marker is good for.
func cut[T any](all []T, key func(T) string, ask listing, scope ...string) (list []T, more *bool, marker *string, err error) {
	size := 100
	if ask.limit != nil {
		size = int(*ask.limit)
	}
	list, next, err := page.Cut(all, key, page.Scope(scope...), deref(ask.marker), size)
	if err != nil {
		return nil, nil, nil, apierr.Client("ValidationError", "Invalid Marker.")
	}
	if next != "" {
		marker = &next
	}
	return list, new(next != ""), marker, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func tags(in []iamshape.Tag) []tag.Tag {
	var out []tag.Tag
	for _, t := range in {
		out = append(out, tag.Tag{Key: *t.Key, Value: *t.Value})
	}
	return out
}

// tagShapes is nil for no tags, as IAM leaves them out then.
func tagShapes(in []tag.Tag) []iamshape.Tag {
	var out []iamshape.Tag
	for _, t := range in {
		out = append(out, iamshape.Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	return out
}

// on tells the resource of an operation for authorization: a kind, and the member
// of the input that names one of it. The path of a role that is there is part of
// its name.
func on[In any](name func(*In) *string, resource func(account, name string) string) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		n := name(in.(*In))
		if n == nil {
			return nil
		}
		return []string{resource(call.Account, *n)}
	})
}

func (a *api) roleARN(account, name string) string {
	if role, err := a.room.GetRole(account, name); err == nil {
		return role.ARN()
	}
	return arn.New("iam", "", account, "role/"+name).String()
}

func (a *api) profileARN(account, name string) string {
	if p, err := a.room.GetProfile(account, name); err == nil {
		return p.ARN()
	}
	return arn.New("iam", "", account, "instance-profile/"+name).String()
}

// given is the name of something that is named by its ARN.
func given(_, name string) string { return name }
