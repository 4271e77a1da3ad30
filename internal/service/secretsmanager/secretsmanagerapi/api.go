// Package secretsmanagerapi is the front door of Secrets Manager: it turns API requests into calls of the room and its
// records into API shapes.
//
// It promises AWS's error codes. It refuses what would need what is not there: replicas in other regions.
package secretsmanagerapi

import (
	"errors"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/secretsmanager"
	shapes "github.com/slipway/slipway/internal/service/secretsmanager/secretsmanagershape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// api holds what the handlers need.
type api struct {
	room *secretsmanager.Room
}

// Register binds the operations of Secrets Manager that are served.
func Register(mux *wire.Mux, room *secretsmanager.Room) {
	a := &api{room: room}
	wire.Handle(mux, shapes.CreateSecret, a.createSecret, about(a, func(in *shapes.CreateSecretInput) *string { return in.Name }))
	wire.Handle(mux, shapes.UpdateSecret, a.updateSecret, about(a, func(in *shapes.UpdateSecretInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.PutSecretValue, a.putSecretValue, about(a, func(in *shapes.PutSecretValueInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.GetSecretValue, a.getSecretValue, about(a, func(in *shapes.GetSecretValueInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.BatchGetSecretValue, a.batchGetSecretValue)
	wire.Handle(mux, shapes.DescribeSecret, a.describeSecret, about(a, func(in *shapes.DescribeSecretInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.ListSecrets, a.listSecrets)
	wire.Handle(mux, shapes.ListSecretVersionIds, a.listSecretVersionIDs, about(a, func(in *shapes.ListSecretVersionIdsInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.UpdateSecretVersionStage, a.updateSecretVersionStage, about(a, func(in *shapes.UpdateSecretVersionStageInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.DeleteSecret, a.deleteSecret, about(a, func(in *shapes.DeleteSecretInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.RestoreSecret, a.restoreSecret, about(a, func(in *shapes.RestoreSecretInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.GetRandomPassword, a.getRandomPassword)
	wire.Handle(mux, shapes.PutResourcePolicy, a.putResourcePolicy, about(a, func(in *shapes.PutResourcePolicyInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.GetResourcePolicy, a.getResourcePolicy, about(a, func(in *shapes.GetResourcePolicyInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.DeleteResourcePolicy, a.deleteResourcePolicy, about(a, func(in *shapes.DeleteResourcePolicyInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.TagResource, a.tagResource, about(a, func(in *shapes.TagResourceInput) *string { return in.SecretId }))
	wire.Handle(mux, shapes.UntagResource, a.untagResource, about(a, func(in *shapes.UntagResourceInput) *string { return in.SecretId }))
}

// about says that an operation acts on the secret that the input names. Policies are written for the whole ARN, so a
// name is looked up; one that there is not yet has the suffix that policies write for it (Secrets Manager User Guide,
// "Permissions policy examples": six question marks).
func about[In any](a *api, id func(*In) *string) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		return []string{a.arn(scope(call), deref(id(in.(*In))))}
	})
}

func (a *api) arn(s secretsmanager.Scope, id string) string {
	if secret, err := a.room.Find(s, id); err == nil {
		return secret.ARN()
	}
	return s.ARN(id + "-??????")
}

func scope(call *wire.Call) secretsmanager.Scope {
	return secretsmanager.Scope{Account: call.Account, Region: call.Region}
}

func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// given is a pointer to s, nil for an empty one: Secrets Manager leaves out what is not there.
func given[T comparable](s T) *T {
	if s == *new(T) {
		return nil
	}
	return &s
}

var codes = map[secretsmanager.Kind]string{
	secretsmanager.NotFound:         "ResourceNotFoundException",
	secretsmanager.Exists:           "ResourceExistsException",
	secretsmanager.InvalidRequest:   "InvalidRequestException",
	secretsmanager.InvalidParameter: "InvalidParameterException",
}

// visible turns what the room reports into what a client may see.
func visible(err error) error {
	if e, ok := errors.AsType[*secretsmanager.Error](err); ok {
		return apierr.Client(codes[e.Kind], "%s", e.Text)
	}
	if e, ok := errors.AsType[*tag.Violation](err); ok {
		return apierr.Client("InvalidParameterException", "%s", e.Text)
	}
	return err
}

func invalidParameter(format string, args ...any) error {
	return apierr.Client("InvalidParameterException", format, args...)
}
