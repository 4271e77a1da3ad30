package iamapi

import (
	"context"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (a *api) registerRoles(mux *wire.Mux) {
	wire.Handle(mux, iamshape.CreateRole, a.createRole, wire.Resources(newRoleARN))
	wire.Handle(mux, iamshape.DeleteRole, a.deleteRole, on(func(in *iamshape.DeleteRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.GetRole, a.getRole, on(func(in *iamshape.GetRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.ListRoleTags, a.listRoleTags, on(func(in *iamshape.ListRoleTagsInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.ListRoles, a.listRoles)
	wire.Handle(mux, iamshape.TagRole, a.tagRole, on(func(in *iamshape.TagRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.UntagRole, a.untagRole, on(func(in *iamshape.UntagRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.UpdateAssumeRolePolicy, a.updateTrust, on(func(in *iamshape.UpdateAssumeRolePolicyInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.UpdateRole, a.updateRole, on(func(in *iamshape.UpdateRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.UpdateRoleDescription, a.updateDescription, on(func(in *iamshape.UpdateRoleDescriptionInput) *string { return in.RoleName }, a.roleARN))
}

// newRoleARN is the name of a role that is not there yet.
func newRoleARN(call *wire.Call, in any) []string {
	req := in.(*iamshape.CreateRoleInput)
	if req.RoleName == nil {
		return nil
	}
	path := "/"
	if req.Path != nil {
		path = *req.Path
	}
	return []string{arn.New("iam", "", call.Account, "role"+path+*req.RoleName).String()}
}

func (a *api) createRole(ctx context.Context, call *wire.Call, in *iamshape.CreateRoleInput) (*iamshape.CreateRoleOutput, error) {
	n := iam.NewRole{
		Account: call.Account, Name: *in.RoleName, Path: deref(in.Path), Trust: *in.AssumeRolePolicyDocument,
		Description: deref(in.Description), Boundary: deref(in.PermissionsBoundary), Tags: tags(in.Tags),
	}
	if in.MaxSessionDuration != nil {
		n.MaxSession = *in.MaxSessionDuration
	}
	role, err := a.room.CreateRole(ctx, n)
	if err != nil {
		return nil, seen(err)
	}
	return &iamshape.CreateRoleOutput{Role: whole(role)}, nil
}

func (a *api) getRole(_ context.Context, call *wire.Call, in *iamshape.GetRoleInput) (*iamshape.GetRoleOutput, error) {
	role, err := a.room.GetRole(call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	out := whole(role)
	// AWS answers when the role was last used; that is not kept here, so it says
	// what AWS says of a role that was not used in the time that it looks back.
	out.RoleLastUsed = &iamshape.RoleLastUsed{}
	return &iamshape.GetRoleOutput{Role: out}, nil
}

// whole is a role with its tags and boundary, which lists leave out (IAM API
// reference, ListRoles).
func whole(r *iam.Role) *iamshape.Role {
	out := roleShape(r)
	out.Tags = tagShapes(r.Tags)
	if r.Boundary != "" {
		out.PermissionsBoundary = &iamshape.AttachedPermissionsBoundary{
			PermissionsBoundaryArn: &r.Boundary, PermissionsBoundaryType: new(iamshape.PermissionsBoundaryAttachmentTypePermissionsBoundaryPolicy),
		}
	}
	return &out
}

func roleShape(r *iam.Role) iamshape.Role {
	out := iamshape.Role{
		Arn: new(r.ARN()), AssumeRolePolicyDocument: encoded(r.Trust), CreateDate: shape.At(r.CreatedAt),
		MaxSessionDuration: &r.MaxSession, Path: &r.Path, RoleId: &r.ID, RoleName: &r.Name,
	}
	if r.Description != "" {
		out.Description = &r.Description
	}
	return out
}

func (a *api) listRoles(_ context.Context, call *wire.Call, in *iamshape.ListRolesInput) (*iamshape.ListRolesOutput, error) {
	all := a.room.ListRoles(call.Account, deref(in.PathPrefix))
	list, more, marker, err := cut(all, (*iam.Role).Key, listing{in.Marker, in.MaxItems}, "ListRoles", call.Account, deref(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListRolesOutput{Roles: []iamshape.Role{}, IsTruncated: more, Marker: marker}
	for _, r := range list {
		out.Roles = append(out.Roles, roleShape(r))
	}
	return out, nil
}

func (a *api) updateRole(ctx context.Context, call *wire.Call, in *iamshape.UpdateRoleInput) (*iamshape.UpdateRoleOutput, error) {
	return empty[iamshape.UpdateRoleOutput](a.room.UpdateRole(ctx, call.Account, *in.RoleName, in.Description, in.MaxSessionDuration))
}

func (a *api) updateDescription(ctx context.Context, call *wire.Call, in *iamshape.UpdateRoleDescriptionInput) (*iamshape.UpdateRoleDescriptionOutput, error) {
	if err := a.room.UpdateRole(ctx, call.Account, *in.RoleName, in.Description, nil); err != nil {
		return nil, seen(err)
	}
	role, err := a.room.GetRole(call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	return &iamshape.UpdateRoleDescriptionOutput{Role: whole(role)}, nil
}

func (a *api) updateTrust(ctx context.Context, call *wire.Call, in *iamshape.UpdateAssumeRolePolicyInput) (*iamshape.UpdateAssumeRolePolicyOutput, error) {
	return empty[iamshape.UpdateAssumeRolePolicyOutput](a.room.UpdateTrust(ctx, call.Account, *in.RoleName, *in.PolicyDocument))
}

func (a *api) deleteRole(ctx context.Context, call *wire.Call, in *iamshape.DeleteRoleInput) (*iamshape.DeleteRoleOutput, error) {
	return empty[iamshape.DeleteRoleOutput](a.room.DeleteRole(ctx, call.Account, *in.RoleName))
}

func (a *api) tagRole(ctx context.Context, call *wire.Call, in *iamshape.TagRoleInput) (*iamshape.TagRoleOutput, error) {
	return empty[iamshape.TagRoleOutput](a.room.TagRole(ctx, call.Account, *in.RoleName, tags(in.Tags)))
}

func (a *api) untagRole(ctx context.Context, call *wire.Call, in *iamshape.UntagRoleInput) (*iamshape.UntagRoleOutput, error) {
	return empty[iamshape.UntagRoleOutput](a.room.UntagRole(ctx, call.Account, *in.RoleName, in.TagKeys))
}

func (a *api) listRoleTags(_ context.Context, call *wire.Call, in *iamshape.ListRoleTagsInput) (*iamshape.ListRoleTagsOutput, error) {
	role, err := a.room.GetRole(call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	all := sorted(role.Tags, func(t tag.Tag) string { return t.Key })
	list, more, marker, err := cut(all, func(t tag.Tag) string { return t.Key }, listing{in.Marker, in.MaxItems}, "ListRoleTags", role.ID)
	if err != nil {
		return nil, err
	}
	out := &iamshape.ListRoleTagsOutput{Tags: tagShapes(list), IsTruncated: more, Marker: marker}
	if out.Tags == nil {
		out.Tags = []iamshape.Tag{}
	}
	return out, nil
}
