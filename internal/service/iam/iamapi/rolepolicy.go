package iamapi

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamshape"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) registerRolePolicies(mux *wire.Mux) {
	wire.Handle(mux, iamshape.AttachRolePolicy, a.attach, on(func(in *iamshape.AttachRolePolicyInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.DeleteRolePermissionsBoundary, a.deleteBoundary, on(func(in *iamshape.DeleteRolePermissionsBoundaryInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.DeleteRolePolicy, a.deleteRolePolicy, on(func(in *iamshape.DeleteRolePolicyInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.DetachRolePolicy, a.detach, on(func(in *iamshape.DetachRolePolicyInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.GetRolePolicy, a.getRolePolicy, on(func(in *iamshape.GetRolePolicyInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.ListAttachedRolePolicies, a.listAttached, on(func(in *iamshape.ListAttachedRolePoliciesInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.ListRolePolicies, a.listRolePolicies, on(func(in *iamshape.ListRolePoliciesInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.PutRolePermissionsBoundary, a.putBoundary, on(func(in *iamshape.PutRolePermissionsBoundaryInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.PutRolePolicy, a.putRolePolicy, on(func(in *iamshape.PutRolePolicyInput) *string { return in.RoleName }, a.roleARN))
}

// sorted returns a list in the order of a key.
func sorted[T any](all []T, key func(T) string) []T {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return all
}

func (a *api) putRolePolicy(ctx context.Context, call *wire.Call, in *iamshape.PutRolePolicyInput) (*iamshape.PutRolePolicyOutput, error) {
	p := iam.Inline{Name: *in.PolicyName, Document: *in.PolicyDocument}
	return empty[iamshape.PutRolePolicyOutput](a.room.PutRolePolicy(ctx, call.Account, *in.RoleName, p))
}

func (a *api) getRolePolicy(_ context.Context, call *wire.Call, in *iamshape.GetRolePolicyInput) (*iamshape.GetRolePolicyOutput, error) {
	p, err := a.room.GetRolePolicy(call.Account, *in.RoleName, *in.PolicyName)
	if err != nil {
		return nil, seen(err)
	}
	return &iamshape.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: &p.Name, PolicyDocument: encoded(p.Document)}, nil
}

func (a *api) listRolePolicies(_ context.Context, call *wire.Call, in *iamshape.ListRolePoliciesInput) (*iamshape.ListRolePoliciesOutput, error) {
	role, err := a.room.GetRole(call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	name := func(p iam.Inline) string { return p.Name }
	list, more, marker, err := cut(role.Inline, name, listing{in.Marker, in.MaxItems}, "ListRolePolicies", role.ID)
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListRolePoliciesOutput{PolicyNames: []string{}, IsTruncated: more, Marker: marker}
	for _, p := range list {
		out.PolicyNames = append(out.PolicyNames, p.Name)
	}
	return out, nil
}

func (a *api) deleteRolePolicy(ctx context.Context, call *wire.Call, in *iamshape.DeleteRolePolicyInput) (*iamshape.DeleteRolePolicyOutput, error) {
	return empty[iamshape.DeleteRolePolicyOutput](a.room.DeleteRolePolicy(ctx, call.Account, *in.RoleName, *in.PolicyName))
}

func (a *api) attach(ctx context.Context, call *wire.Call, in *iamshape.AttachRolePolicyInput) (*iamshape.AttachRolePolicyOutput, error) {
	return empty[iamshape.AttachRolePolicyOutput](a.room.AttachRolePolicy(ctx, call.Account, *in.RoleName, *in.PolicyArn))
}

func (a *api) detach(ctx context.Context, call *wire.Call, in *iamshape.DetachRolePolicyInput) (*iamshape.DetachRolePolicyOutput, error) {
	return empty[iamshape.DetachRolePolicyOutput](a.room.DetachRolePolicy(ctx, call.Account, *in.RoleName, *in.PolicyArn))
}

func (a *api) listAttached(_ context.Context, call *wire.Call, in *iamshape.ListAttachedRolePoliciesInput) (*iamshape.ListAttachedRolePoliciesOutput, error) {
	role, err := a.room.GetRole(call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	self := func(name string) string { return name }
	all := slices.DeleteFunc(sorted(role.Attached, self), func(name string) bool { return !strings.HasPrefix(pathOf(name), deref(in.PathPrefix)) })
	list, more, marker, err := cut(all, self, listing{in.Marker, in.MaxItems}, "ListAttachedRolePolicies", role.ID, deref(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListAttachedRolePoliciesOutput{AttachedPolicies: []iamshape.AttachedPolicy{}, IsTruncated: more, Marker: marker}
	for _, name := range list {
		out.AttachedPolicies = append(out.AttachedPolicies, iamshape.AttachedPolicy{
			PolicyArn: &name, PolicyName: new(name[strings.LastIndexByte(name, '/')+1:]),
		})
	}
	return out, nil
}

// pathOf is the path in the ARN of a policy.
func pathOf(policyARN string) string {
	_, rest, _ := strings.Cut(policyARN, ":policy")
	return rest[:strings.LastIndexByte(rest, '/')+1]
}

func (a *api) putBoundary(ctx context.Context, call *wire.Call, in *iamshape.PutRolePermissionsBoundaryInput) (*iamshape.PutRolePermissionsBoundaryOutput, error) {
	return empty[iamshape.PutRolePermissionsBoundaryOutput](a.room.SetBoundary(ctx, call.Account, *in.RoleName, *in.PermissionsBoundary))
}

func (a *api) deleteBoundary(ctx context.Context, call *wire.Call, in *iamshape.DeleteRolePermissionsBoundaryInput) (*iamshape.DeleteRolePermissionsBoundaryOutput, error) {
	return empty[iamshape.DeleteRolePermissionsBoundaryOutput](a.room.SetBoundary(ctx, call.Account, *in.RoleName, ""))
}
