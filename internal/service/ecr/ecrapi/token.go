package ecrapi

import (
	"context"
	"encoding/base64"

	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// user is the name that docker logs in with.
const user = "AWS"

func (a *api) getAuthorizationToken(ctx context.Context, call *wire.Call, _ *ecrshape.GetAuthorizationTokenInput) (*ecrshape.GetAuthorizationTokenOutput, error) {
	token, expires, err := a.room.IssueToken(ctx, scope(call), call.AccessKeyID)
	if err != nil {
		return nil, err
	}
	scheme := "http://"
	if call.TLS {
		scheme = "https://"
	}
	return &ecrshape.GetAuthorizationTokenOutput{AuthorizationData: []ecrshape.AuthorizationData{{
		AuthorizationToken: new(base64.StdEncoding.EncodeToString([]byte(user + ":" + token))),
		ExpiresAt:          shape.At(expires),
		ProxyEndpoint:      new(scheme + call.Host),
	}}}, nil
}
