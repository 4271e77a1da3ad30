package iamapi

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (a *api) registerPolicies(mux *wire.Mux) {
	wire.Handle(mux, iamshape.CreatePolicy, a.createPolicy, wire.Resources(newPolicyARN))
	wire.Handle(mux, iamshape.CreatePolicyVersion, a.createVersion, on(func(in *iamshape.CreatePolicyVersionInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.DeletePolicy, a.deletePolicy, on(func(in *iamshape.DeletePolicyInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.DeletePolicyVersion, a.deleteVersion, on(func(in *iamshape.DeletePolicyVersionInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.GetPolicy, a.getPolicy, on(func(in *iamshape.GetPolicyInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.GetPolicyVersion, a.getVersion, on(func(in *iamshape.GetPolicyVersionInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.ListEntitiesForPolicy, a.listEntities, on(func(in *iamshape.ListEntitiesForPolicyInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.ListPolicies, a.listPolicies)
	wire.Handle(mux, iamshape.ListPolicyVersions, a.listVersions, on(func(in *iamshape.ListPolicyVersionsInput) *string { return in.PolicyArn }, given))
	wire.Handle(mux, iamshape.SetDefaultPolicyVersion, a.setDefault, on(func(in *iamshape.SetDefaultPolicyVersionInput) *string { return in.PolicyArn }, given))
}

// newPolicyARN is the name of a policy that is not there yet.
func newPolicyARN(call *wire.Call, in any) []string {
	req := in.(*iamshape.CreatePolicyInput)
	if req.PolicyName == nil {
		return nil
	}
	path := "/"
	if req.Path != nil {
		path = *req.Path
	}
	return []string{arn.New("iam", "", call.Account, "policy"+path+*req.PolicyName).String()}
}

func (a *api) createPolicy(ctx context.Context, call *wire.Call, in *iamshape.CreatePolicyInput) (*iamshape.CreatePolicyOutput, error) {
	p, err := a.room.CreatePolicy(ctx, iam.NewPolicy{
		Account: call.Account, Name: *in.PolicyName, Path: deref(in.Path), Description: deref(in.Description),
		Document: *in.PolicyDocument, Tags: tags(in.Tags),
	})
	if err != nil {
		return nil, seen(err)
	}
	out := a.policyShape(call.Account, p)
	out.Tags = tagShapes(p.Tags)
	return &iamshape.CreatePolicyOutput{Policy: &out}, nil
}

func (a *api) getPolicy(_ context.Context, call *wire.Call, in *iamshape.GetPolicyInput) (*iamshape.GetPolicyOutput, error) {
	p, err := a.room.GetPolicy(call.Account, *in.PolicyArn)
	if err != nil {
		return nil, seen(err)
	}
	out := a.policyShape(call.Account, p)
	out.Tags = []iamshape.Tag{}
	out.Tags = append(out.Tags, tagShapes(p.Tags)...)
	if p.Description != "" {
		out.Description = &p.Description
	}
	return &iamshape.GetPolicyOutput{Policy: &out}, nil
}

// policyShape leaves out the description and the tags, as lists do (IAM API
// reference, ListPolicies).
func (a *api) policyShape(account string, p *iam.Policy) iamshape.Policy {
	attached, bounded := a.room.Attachments(account, p)
	return iamshape.Policy{
		Arn: new(p.ARN()), AttachmentCount: new(int32(len(attached))), CreateDate: shape.At(p.CreatedAt), DefaultVersionId: &p.Default,
		IsAttachable: new(true), Path: &p.Path, PermissionsBoundaryUsageCount: new(int32(len(bounded))), PolicyId: &p.ID,
		PolicyName: &p.Name, UpdateDate: shape.At(p.UpdatedAt),
	}
}

func (a *api) listPolicies(_ context.Context, call *wire.Call, in *iamshape.ListPoliciesInput) (*iamshape.ListPoliciesOutput, error) {
	own, aws := a.room.ListPolicies(call.Account)
	var all []*iam.Policy
	switch deref(in.Scope) {
	case iamshape.PolicyScopeTypeLocal:
		all = own
	case iamshape.PolicyScopeTypeAws:
		all = aws
	default:
		all = slices.Concat(own, aws)
	}
	all = slices.DeleteFunc(slices.Clone(all), func(p *iam.Policy) bool { return !a.wanted(call.Account, p, in) })
	name := func(p *iam.Policy) string { return p.ARN() }
	asked := []string{"ListPolicies", call.Account, deref(in.Scope), deref(in.PathPrefix), deref(in.PolicyUsageFilter)}
	list, more, marker, err := cut(sorted(all, name), name, listing{in.Marker, in.MaxItems}, asked...)
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListPoliciesOutput{Policies: []iamshape.Policy{}, IsTruncated: more, Marker: marker}
	for _, p := range list {
		out.Policies = append(out.Policies, a.policyShape(call.Account, p))
	}
	return out, nil
}

// wanted holds a policy against the filters of a list.
func (a *api) wanted(account string, p *iam.Policy, in *iamshape.ListPoliciesInput) bool {
	if !strings.HasPrefix(p.Path, deref(in.PathPrefix)) {
		return false
	}
	usage, only := deref(in.PolicyUsageFilter), in.OnlyAttached != nil && *in.OnlyAttached
	if usage == "" && !only {
		return true
	}
	attached, bounded := a.room.Attachments(account, p)
	switch usage {
	case iamshape.PolicyUsageTypePermissionsPolicy:
		return len(attached) > 0 || !only && len(bounded) == 0
	case iamshape.PolicyUsageTypePermissionsBoundary:
		return len(bounded) > 0
	}
	return len(attached) > 0
}

func (a *api) deletePolicy(ctx context.Context, call *wire.Call, in *iamshape.DeletePolicyInput) (*iamshape.DeletePolicyOutput, error) {
	return empty[iamshape.DeletePolicyOutput](a.room.DeletePolicy(ctx, call.Account, *in.PolicyArn))
}

func versionShape(p *iam.Policy, v iam.Version) iamshape.PolicyVersion {
	return iamshape.PolicyVersion{VersionId: &v.ID, IsDefaultVersion: new(v.ID == p.Default), CreateDate: shape.At(v.CreatedAt)}
}

func (a *api) getVersion(_ context.Context, call *wire.Call, in *iamshape.GetPolicyVersionInput) (*iamshape.GetPolicyVersionOutput, error) {
	p, v, err := a.room.GetPolicyVersion(call.Account, *in.PolicyArn, *in.VersionId)
	if err != nil {
		return nil, seen(err)
	}
	out := versionShape(p, v)
	out.Document = encoded(v.Document)
	return &iamshape.GetPolicyVersionOutput{PolicyVersion: &out}, nil
}

// listVersions answers the newest first, without their documents (IAM API
// reference, ListPolicyVersions).
func (a *api) listVersions(_ context.Context, call *wire.Call, in *iamshape.ListPolicyVersionsInput) (*iamshape.ListPolicyVersionsOutput, error) {
	p, err := a.room.GetPolicy(call.Account, *in.PolicyArn)
	if err != nil {
		return nil, seen(err)
	}
	// There are five at most, so a page is cut by position.
	all := make([]int, len(p.Versions))
	for i := range all {
		all[i] = i
	}
	at := func(i int) string { return string(rune('0' + i)) }
	list, more, marker, err := cut(all, at, listing{in.Marker, in.MaxItems}, "ListPolicyVersions", p.ID)
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListPolicyVersionsOutput{Versions: []iamshape.PolicyVersion{}, IsTruncated: more, Marker: marker}
	for _, i := range list {
		out.Versions = append(out.Versions, versionShape(p, p.Versions[len(p.Versions)-1-i]))
	}
	return out, nil
}

func (a *api) createVersion(ctx context.Context, call *wire.Call, in *iamshape.CreatePolicyVersionInput) (*iamshape.CreatePolicyVersionOutput, error) {
	p, v, err := a.room.CreatePolicyVersion(ctx, call.Account, *in.PolicyArn, *in.PolicyDocument, in.SetAsDefault != nil && *in.SetAsDefault)
	if err != nil {
		return nil, seen(err)
	}
	return &iamshape.CreatePolicyVersionOutput{PolicyVersion: new(versionShape(p, v))}, nil
}

func (a *api) setDefault(ctx context.Context, call *wire.Call, in *iamshape.SetDefaultPolicyVersionInput) (*iamshape.SetDefaultPolicyVersionOutput, error) {
	return empty[iamshape.SetDefaultPolicyVersionOutput](a.room.SetDefaultVersion(ctx, call.Account, *in.PolicyArn, *in.VersionId))
}

func (a *api) deleteVersion(ctx context.Context, call *wire.Call, in *iamshape.DeletePolicyVersionInput) (*iamshape.DeletePolicyVersionOutput, error) {
	return empty[iamshape.DeletePolicyVersionOutput](a.room.DeletePolicyVersion(ctx, call.Account, *in.PolicyArn, *in.VersionId))
}

// listEntities answers roles alone: there are no users and groups.
func (a *api) listEntities(_ context.Context, call *wire.Call, in *iamshape.ListEntitiesForPolicyInput) (*iamshape.ListEntitiesForPolicyOutput, error) {
	p, err := a.room.GetPolicy(call.Account, *in.PolicyArn)
	if err != nil {
		return nil, seen(err)
	}
	all, bounded := a.room.Attachments(call.Account, p)
	if deref(in.PolicyUsageFilter) == iamshape.PolicyUsageTypePermissionsBoundary {
		all = bounded
	}
	if kind := deref(in.EntityFilter); kind != "" && kind != iamshape.EntityTypeRole {
		all = nil
	}
	all = slices.DeleteFunc(all, func(r *iam.Role) bool { return !strings.HasPrefix(r.Path, deref(in.PathPrefix)) })
	asked := []string{"ListEntitiesForPolicy", p.ARN(), call.Account, deref(in.PolicyUsageFilter), deref(in.EntityFilter), deref(in.PathPrefix)}
	list, more, marker, err := cut(all, (*iam.Role).Key, listing{in.Marker, in.MaxItems}, asked...)
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListEntitiesForPolicyOutput{
		PolicyRoles: []iamshape.PolicyRole{}, PolicyUsers: []iamshape.PolicyUser{}, PolicyGroups: []iamshape.PolicyGroup{},
		IsTruncated: more, Marker: marker,
	}
	for _, r := range list {
		out.PolicyRoles = append(out.PolicyRoles, iamshape.PolicyRole{RoleName: &r.Name, RoleId: &r.ID})
	}
	return out, nil
}
