package stsapi

import (
	"context"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/sts/stsshape"
	"github.com/slipway/slipway/internal/wire"
)

// roleARN is the resource of sts:AssumeRole.
func roleARN(_ *wire.Call, in any) []string {
	if name := in.(*stsshape.AssumeRoleInput).RoleArn; name != nil {
		return []string{*name}
	}
	return nil
}

// sessionKeys are the condition keys of sts:AssumeRole (service authorization
// reference, AWS STS).
func sessionKeys(_ *wire.Call, in any) func(key string) ([]string, bool) {
	req := in.(*stsshape.AssumeRoleInput)
	known := map[string][]string{}
	if req.RoleSessionName != nil {
		known["sts:rolesessionname"] = []string{*req.RoleSessionName}
	}
	if req.ExternalId != nil {
		known["sts:externalid"] = []string{*req.ExternalId}
	}
	for _, t := range req.Tags {
		if t.Key != nil && t.Value != nil {
			known["aws:requesttag/"+strings.ToLower(*t.Key)] = []string{*t.Value}
			known["aws:tagkeys"] = append(known["aws:tagkeys"], *t.Key)
		}
	}
	if len(req.TransitiveTagKeys) > 0 {
		known["sts:transitivetagkeys"] = req.TransitiveTagKeys
	}
	return func(key string) ([]string, bool) {
		v, ok := known[key]
		return v, ok
	}
}

func (a *api) assumeRole(ctx context.Context, call *wire.Call, in *stsshape.AssumeRoleInput) (*stsshape.AssumeRoleOutput, error) {
	if err := refuseUnserved(in); err != nil {
		return nil, err
	}
	ask := iam.Assume{Caller: a.caller(call), RoleARN: *in.RoleArn, Name: *in.RoleSessionName, Tags: tags(in.Tags)}
	if in.DurationSeconds != nil {
		ask.Duration = time.Duration(*in.DurationSeconds) * time.Second
	}
	if in.Policy != nil {
		ask.Policy = *in.Policy
	}
	for _, p := range in.PolicyArns {
		if p.Arn != nil {
			ask.PolicyARNs = append(ask.PolicyARNs, *p.Arn)
		}
	}
	got, err := a.room.AssumeRole(ctx, ask)
	if err != nil {
		return nil, seen(err)
	}
	out := &stsshape.AssumeRoleOutput{
		AssumedRoleUser: &stsshape.AssumedRoleUser{Arn: &got.ARN, AssumedRoleId: &got.AssumedID},
		Credentials:     credentialsShape(got.Session),
	}
	if got.PackedPolicy > 0 {
		out.PackedPolicySize = &got.PackedPolicy
	}
	return out, nil
}

// refuseUnserved refuses what would change the session's rights and is not done
// here, rather than pass it over.
func refuseUnserved(in *stsshape.AssumeRoleInput) error {
	name := ""
	switch {
	case in.SerialNumber != nil || in.TokenCode != nil:
		name = "SerialNumber"
	case in.SourceIdentity != nil:
		name = "SourceIdentity"
	case len(in.TransitiveTagKeys) > 0:
		name = "TransitiveTagKeys"
	case len(in.ProvidedContexts) > 0:
		name = "ProvidedContexts"
	default:
		return nil
	}
	return apierr.Client("ValidationError", "Slipway does not serve the parameter %s of AssumeRole.", name)
}

// caller is the caller as trust policies see it.
func (a *api) caller(call *wire.Call) iam.Caller {
	c := iam.Caller{ARN: call.Principal.ARN, Account: call.Account}
	c.Facts = iam.Facts{
		Request: call.Conditions,
		Call: &iam.CallFacts{
			Region: call.Region, RemoteAddr: call.RemoteAddr, UserAgent: call.UserAgent, Secure: call.TLS,
			UserID: call.Principal.UserID, Account: call.Account,
		},
	}
	if grant, ok := call.Session.(*iam.Grant); ok {
		c.Session = grant
		if rights, ok := a.room.RightsOf(grant); ok {
			c.Facts.Rights = &rights
		}
	}
	return c
}

// getSessionToken is for long-lived keys alone (STS API reference).
func (a *api) getSessionToken(ctx context.Context, call *wire.Call, in *stsshape.GetSessionTokenInput) (*stsshape.GetSessionTokenOutput, error) {
	switch {
	case call.Session != nil:
		return nil, &wire.Denied{Text: "Cannot call GetSessionToken with session credentials"}
	case in.SerialNumber != nil || in.TokenCode != nil:
		return nil, apierr.Client("ValidationError", "Slipway does not serve the parameter SerialNumber of GetSessionToken.")
	}
	// An hour at most for root, half a day unless asked otherwise for others (STS
	// API reference, GetSessionToken).
	life := 12 * time.Hour
	if in.DurationSeconds != nil {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	if call.Principal.ARN == iam.RootARN(call.Account) {
		life = min(life, time.Hour)
	}
	s, err := a.room.KeySession(ctx, call.AccessKeyID, life)
	if err != nil {
		return nil, seen(err)
	}
	return &stsshape.GetSessionTokenOutput{Credentials: credentialsShape(s)}, nil
}
