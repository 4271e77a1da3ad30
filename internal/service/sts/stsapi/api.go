// Package stsapi is the front door of AWS STS. The service has no records of its
// own: who calls is what the signature has shown already.
//
// It promises to tell every caller with a valid key who they are, whatever that
// key allows, and leaves out everything that makes credentials.
package stsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/sts/stsshape"
	"github.com/slipway/slipway/internal/wire"
)

// Register binds the operations of STS that are served.
func Register(mux *wire.Mux) {
	wire.Handle(mux, stsshape.GetCallerIdentity, getCallerIdentity, wire.Unrestricted())
}

func getCallerIdentity(_ context.Context, call *wire.Call, _ *stsshape.GetCallerIdentityInput) (*stsshape.GetCallerIdentityOutput, error) {
	return &stsshape.GetCallerIdentityOutput{
		Account: &call.Account,
		Arn:     &call.Principal.ARN,
		UserId:  &call.Principal.UserID,
	}, nil
}
