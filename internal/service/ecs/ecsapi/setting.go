package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// settingHandlers serve the operations on account settings.
type settingHandlers struct{ room *ecs.Room }

// registerSettings binds them.
func registerSettings(m *wire.Mux, room *ecs.Room) {
	h := settingHandlers{room}
	wire.Handle(m, ecsshape.ListAccountSettings, h.list)
	wire.Handle(m, ecsshape.PutAccountSetting, h.put)
	wire.Handle(m, ecsshape.PutAccountSettingDefault, h.putDefault)
	wire.Handle(m, ecsshape.DeleteAccountSetting, h.remove)
}

func (h settingHandlers) list(_ context.Context, call *wire.Call, in *ecsshape.ListAccountSettingsInput) (*ecsshape.ListAccountSettingsOutput, error) {
	list, next, err := h.room.ListSettings(scopeOf(call), callerOf(call), ecs.ListSettingsRequest{
		Name: value(in.Name), Value: value(in.Value), Principal: value(in.PrincipalArn), Effective: value(in.EffectiveSettings),
		MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	out := &ecsshape.ListAccountSettingsOutput{Settings: []ecsshape.Setting{}, NextToken: textOrAbsent(next)}
	for i := range list {
		out.Settings = append(out.Settings, *settingShape(&list[i]))
	}
	return out, nil
}

func (h settingHandlers) put(ctx context.Context, call *wire.Call, in *ecsshape.PutAccountSettingInput) (*ecsshape.PutAccountSettingOutput, error) {
	v, err := h.room.PutSetting(ctx, scopeOf(call), callerOf(call), value(in.Name), value(in.Value), value(in.PrincipalArn))
	if err != nil {
		return nil, err
	}
	return &ecsshape.PutAccountSettingOutput{Setting: settingShape(&v)}, nil
}

func (h settingHandlers) putDefault(ctx context.Context, call *wire.Call, in *ecsshape.PutAccountSettingDefaultInput) (*ecsshape.PutAccountSettingDefaultOutput, error) {
	v, err := h.room.PutDefaultSetting(ctx, scopeOf(call), value(in.Name), value(in.Value))
	if err != nil {
		return nil, err
	}
	return &ecsshape.PutAccountSettingDefaultOutput{Setting: settingShape(&v)}, nil
}

func (h settingHandlers) remove(ctx context.Context, call *wire.Call, in *ecsshape.DeleteAccountSettingInput) (*ecsshape.DeleteAccountSettingOutput, error) {
	v, err := h.room.DeleteSetting(ctx, scopeOf(call), callerOf(call), value(in.Name), value(in.PrincipalArn))
	if err != nil {
		return nil, err
	}
	return &ecsshape.DeleteAccountSettingOutput{Setting: settingShape(&v)}, nil
}

func settingShape(v *ecs.SettingView) *ecsshape.Setting {
	kind := ecsshape.SettingTypeUser
	if v.Managed {
		kind = ecsshape.SettingTypeAwsManaged
	}
	return &ecsshape.Setting{Name: &v.Name, Value: &v.Value, PrincipalArn: &v.Principal, Type: &kind}
}
