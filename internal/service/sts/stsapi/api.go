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
	switch e := err.(type) {
	case *iam.TrustError:
		return &wire.Denied{Text: e.Error()}
	case *iam.InputError, *tag.Violation, *iam.NotFoundError:
		return apierr.Client("ValidationError", "%s", err)
	case *iam.MalformedError:
		return apierr.Client(stsshape.CodeMalformedPolicyDocument, "%s", e)
	case *iam.PackedError:
		return apierr.Client(stsshape.CodePackedPolicyTooLarge, "%s", err)
	}
	return err
}
