package iamapi

import (
	"context"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (a *api) registerProfiles(mux *wire.Mux) {
	wire.Handle(mux, iamshape.AddRoleToInstanceProfile, a.addRole, on(func(in *iamshape.AddRoleToInstanceProfileInput) *string { return in.InstanceProfileName }, a.profileARN))
	wire.Handle(mux, iamshape.CreateInstanceProfile, a.createProfile, wire.Resources(newProfileARN))
	wire.Handle(mux, iamshape.DeleteInstanceProfile, a.deleteProfile, on(func(in *iamshape.DeleteInstanceProfileInput) *string { return in.InstanceProfileName }, a.profileARN))
	wire.Handle(mux, iamshape.GetInstanceProfile, a.getProfile, on(func(in *iamshape.GetInstanceProfileInput) *string { return in.InstanceProfileName }, a.profileARN))
	wire.Handle(mux, iamshape.ListInstanceProfiles, a.listProfiles)
	wire.Handle(mux, iamshape.ListInstanceProfilesForRole, a.listProfilesOf, on(func(in *iamshape.ListInstanceProfilesForRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.RemoveRoleFromInstanceProfile, a.removeRole, on(func(in *iamshape.RemoveRoleFromInstanceProfileInput) *string { return in.InstanceProfileName }, a.profileARN))
}

// newProfileARN is the name of a profile that is not there yet.
func newProfileARN(call *wire.Call, in any) []string {
	req := in.(*iamshape.CreateInstanceProfileInput)
	if req.InstanceProfileName == nil {
		return nil
	}
	path := "/"
	if req.Path != nil {
		path = *req.Path
	}
	return []string{arn.New("iam", "", call.Account, "instance-profile"+path+*req.InstanceProfileName).String()}
}

func (a *api) createProfile(ctx context.Context, call *wire.Call, in *iamshape.CreateInstanceProfileInput) (*iamshape.CreateInstanceProfileOutput, error) {
	p, err := a.room.CreateProfile(ctx, call.Account, *in.InstanceProfileName, deref(in.Path), tags(in.Tags))
	if err != nil {
		return nil, seen(err)
	}
	out := a.profileShape(p)
	out.Tags = tagShapes(p.Tags)
	return &iamshape.CreateInstanceProfileOutput{InstanceProfile: &out}, nil
}

func (a *api) getProfile(_ context.Context, call *wire.Call, in *iamshape.GetInstanceProfileInput) (*iamshape.GetInstanceProfileOutput, error) {
	p, err := a.room.GetProfile(call.Account, *in.InstanceProfileName)
	if err != nil {
		return nil, seen(err)
	}
	out := a.profileShape(p)
	out.Tags = append([]iamshape.Tag{}, tagShapes(p.Tags)...)
	return &iamshape.GetInstanceProfileOutput{InstanceProfile: &out}, nil
}

func (a *api) profileShape(p *iam.Profile) iamshape.InstanceProfile {
	out := iamshape.InstanceProfile{
		Arn: new(p.ARN()), CreateDate: shape.At(p.CreatedAt), InstanceProfileId: &p.ID, InstanceProfileName: &p.Name,
		Path: &p.Path, Roles: []iamshape.Role{},
	}
	if role, err := a.room.GetRole(p.Account, p.Role); err == nil {
		out.Roles = append(out.Roles, roleShape(role))
	}
	return out
}

func (a *api) listProfiles(_ context.Context, call *wire.Call, in *iamshape.ListInstanceProfilesInput) (*iamshape.ListInstanceProfilesOutput, error) {
	all := a.room.ListProfiles(call.Account, deref(in.PathPrefix))
	list, more, marker, err := cut(all, (*iam.Profile).Key, listing{in.Marker, in.MaxItems}, "ListInstanceProfiles", call.Account, deref(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	return &iamshape.ListInstanceProfilesOutput{InstanceProfiles: a.profileShapes(list), IsTruncated: more, Marker: marker}, nil
}

func (a *api) profileShapes(list []*iam.Profile) []iamshape.InstanceProfile {
	out := []iamshape.InstanceProfile{}
	for _, p := range list {
		out = append(out, a.profileShape(p))
	}
	return out
}

func (a *api) listProfilesOf(_ context.Context, call *wire.Call, in *iamshape.ListInstanceProfilesForRoleInput) (*iamshape.ListInstanceProfilesForRoleOutput, error) {
	role, err := a.room.GetRole(call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	list, more, marker, err := cut(a.room.ProfilesOf(role), (*iam.Profile).Key, listing{in.Marker, in.MaxItems}, "ListInstanceProfilesForRole", role.ID)
	if err != nil {
		return nil, err
	}
	return &iamshape.ListInstanceProfilesForRoleOutput{InstanceProfiles: a.profileShapes(list), IsTruncated: more, Marker: marker}, nil
}

func (a *api) addRole(ctx context.Context, call *wire.Call, in *iamshape.AddRoleToInstanceProfileInput) (*iamshape.AddRoleToInstanceProfileOutput, error) {
	return empty[iamshape.AddRoleToInstanceProfileOutput](a.room.AddRole(ctx, call.Account, *in.InstanceProfileName, *in.RoleName))
}

func (a *api) removeRole(ctx context.Context, call *wire.Call, in *iamshape.RemoveRoleFromInstanceProfileInput) (*iamshape.RemoveRoleFromInstanceProfileOutput, error) {
	return empty[iamshape.RemoveRoleFromInstanceProfileOutput](a.room.RemoveRole(ctx, call.Account, *in.InstanceProfileName, *in.RoleName))
}

func (a *api) deleteProfile(ctx context.Context, call *wire.Call, in *iamshape.DeleteInstanceProfileInput) (*iamshape.DeleteInstanceProfileOutput, error) {
	return empty[iamshape.DeleteInstanceProfileOutput](a.room.DeleteProfile(ctx, call.Account, *in.InstanceProfileName))
}
