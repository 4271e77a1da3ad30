// Package stsapi is the front door of AWS STS. The service has no records of its
// own: who calls is what the signature has shown already, and credentials come
// from the iam room, sealed into their own tokens.
//
// It promises to tell every caller with a valid key who they are, whatever that
// key allows. Unlike AWS it lets an account's root key assume roles, for a new
// account has no other. It leaves out federation (SAML, web identity), source
// identities and multi-factor authentication, and refuses requests that ask for
// them.
package stsapi

import (
	"context"
	"errors"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/sts/stsshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

type api struct{ room *iam.Room }

// Register binds the operations of STS that are served.
func Register(mux *wire.Mux, room *iam.Room) {
	a := &api{room}
	wire.Handle(mux, stsshape.AssumeRole, a.assumeRole, wire.Resources(roleARN), wire.Conditions(sessionKeys))
	wire.Handle(mux, stsshape.GetAccessKeyInfo, a.getAccessKeyInfo, wire.Unrestricted())
	wire.Handle(mux, stsshape.GetCallerIdentity, getCallerIdentity, wire.Unrestricted())
	wire.Handle(mux, stsshape.GetSessionToken, a.getSessionToken, wire.Unrestricted())
}

func getCallerIdentity(_ context.Context, call *wire.Call, _ *stsshape.GetCallerIdentityInput) (*stsshape.GetCallerIdentityOutput, error) {
	return &stsshape.GetCallerIdentityOutput{
		Account: &call.Account,
		Arn:     &call.Principal.ARN,
		UserId:  &call.Principal.UserID,
	}, nil
}

func (a *api) getAccessKeyInfo(_ context.Context, _ *wire.Call, in *stsshape.GetAccessKeyInfoInput) (*stsshape.GetAccessKeyInfoOutput, error) {
	account, ok := a.room.AccountOf(*in.AccessKeyId)
	if !ok {
		return nil, apierr.Client("ValidationError", "Invalid Access Key ID")
	}
	return &stsshape.GetAccessKeyInfoOutput{Account: &account}, nil
}

func credentialsShape(s iam.Session) *stsshape.Credentials {
	return &stsshape.Credentials{
		AccessKeyId: &s.AccessKeyID, SecretAccessKey: &s.SecretAccessKey, SessionToken: &s.Token, Expiration: shape.At(s.Expires),
	}
}

func tags(in []stsshape.Tag) []tag.Tag {
	var out []tag.Tag
	for _, t := range in {
		out = append(out, tag.Tag{Key: *t.Key, Value: *t.Value})
	}
	return out
}

// seen turns what the iam room reports into what the caller sees.
func seen(err error) error {
	if e, ok := errors.AsType[*iam.TrustError](err); ok {
		return &wire.Denied{Text: e.Error()}
	}
	if e, ok := errors.AsType[*iam.MalformedError](err); ok {
		return apierr.Client(stsshape.CodeMalformedPolicyDocument, "%s", e)
	}
	if e, ok := errors.AsType[*iam.PackedError](err); ok {
		return apierr.Client(stsshape.CodePackedPolicyTooLarge, "%s", e)
	}
	for _, e := range []error{asError[*iam.InputError](err), asError[*tag.Violation](err), asError[*iam.NotFoundError](err)} {
		if e != nil {
			return apierr.Client("ValidationError", "%s", e)
		}
	}
	return err
}

// asError is the error of that type in err, nil if there is none.
func asError[E error](err error) error {
	if e, ok := errors.AsType[E](err); ok {
		return e
	}
	return nil
}
