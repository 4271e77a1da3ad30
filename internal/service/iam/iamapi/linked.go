package iamapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/iam/iamshape"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) registerLinked(mux *wire.Mux) {
	wire.Handle(mux, iamshape.CreateServiceLinkedRole, a.createLinked, wire.Conditions(linkedKeys))
	wire.Handle(mux, iamshape.DeleteServiceLinkedRole, a.deleteLinked, on(func(in *iamshape.DeleteServiceLinkedRoleInput) *string { return in.RoleName }, a.roleARN))
	wire.Handle(mux, iamshape.GetServiceLinkedRoleDeletionStatus, a.deletionStatus)
}

// linkedKeys tells policies whose role is to be made (service authorization
// reference, IAM).
func linkedKeys(_ *wire.Call, in any) func(key string) ([]string, bool) {
	service := in.(*iamshape.CreateServiceLinkedRoleInput).AWSServiceName
	return func(key string) ([]string, bool) {
		if key != "iam:awsservicename" || service == nil {
			return nil, false
		}
		return []string{*service}, true
	}
}

func (a *api) createLinked(ctx context.Context, call *wire.Call, in *iamshape.CreateServiceLinkedRoleInput) (*iamshape.CreateServiceLinkedRoleOutput, error) {
	role, err := a.room.CreateServiceLinkedRole(ctx, call.Account, *in.AWSServiceName, deref(in.CustomSuffix), deref(in.Description))
	if err != nil {
		return nil, seen(err)
	}
	return &iamshape.CreateServiceLinkedRoleOutput{Role: whole(role)}, nil
}

func (a *api) deleteLinked(ctx context.Context, call *wire.Call, in *iamshape.DeleteServiceLinkedRoleInput) (*iamshape.DeleteServiceLinkedRoleOutput, error) {
	task, err := a.room.DeleteServiceLinkedRole(ctx, call.Account, *in.RoleName)
	if err != nil {
		return nil, seen(err)
	}
	return &iamshape.DeleteServiceLinkedRoleOutput{DeletionTaskId: &task}, nil
}

func (a *api) deletionStatus(_ context.Context, call *wire.Call, in *iamshape.GetServiceLinkedRoleDeletionStatusInput) (*iamshape.GetServiceLinkedRoleDeletionStatusOutput, error) {
	done, err := a.room.Deleted(call.Account, *in.DeletionTaskId)
	if err != nil {
		return nil, seen(err)
	}
	status := iamshape.DeletionTaskStatusTypeSucceeded
	if !done {
		status = iamshape.DeletionTaskStatusTypeInProgress
	}
	return &iamshape.GetServiceLinkedRoleDeletionStatusOutput{Status: &status}, nil
}
