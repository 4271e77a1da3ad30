package ecs

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

const settingsPage = 10

// settingRule is what is known of an account setting. The first value is the one
// that holds where nobody has set another (ecs-account-settings).
type settingRule struct {
	values []string
	// managed: AWS sets it and the account cannot.
	managed bool
}

var settingRules = map[string]settingRule{
	ecsshape.SettingNameAwsvpcTrunking:                  {values: []string{"disabled", "enabled"}},
	ecsshape.SettingNameContainerInsights:               {values: []string{"disabled", "enabled", "enhanced"}},
	ecsshape.SettingNameContainerInstanceLongArnFormat:  {values: []string{"enabled", "disabled"}},
	ecsshape.SettingNameDefaultLogDriverMode:            {values: []string{"non-blocking", "blocking"}},
	ecsshape.SettingNameFargateEventWindows:             {values: []string{"disabled", "enabled"}},
	ecsshape.SettingNameFargateFIPSMode:                 {values: []string{"disabled", "enabled"}},
	ecsshape.SettingNameFargateTaskRetirementWaitPeriod: {values: []string{"7", "0", "14"}},
	ecsshape.SettingNameGuardDutyActivate:               {values: []string{"off", "on"}, managed: true},
	ecsshape.SettingNameServiceLongArnFormat:            {values: []string{"enabled", "disabled"}},
	ecsshape.SettingNameTagResourceAuthorization:        {values: []string{"on", "off"}},
	ecsshape.SettingNameTaskLongArnFormat:               {values: []string{"enabled", "disabled"}},
}

// longARNSettings cannot be opted out of since April 2021; ARNs are long here.
var longARNSettings = []string{
	ecsshape.SettingNameServiceLongArnFormat, ecsshape.SettingNameTaskLongArnFormat, ecsshape.SettingNameContainerInstanceLongArnFormat,
}

// SettingView is a setting with whom it is for: an ARN, the root user's where it
// is the account's.
type SettingView struct {
	Name, Value, Principal string
	Managed                bool
}

// PutSetting sets a setting for a principal, the caller if none is named. What
// is set for the root user holds for everybody who has none of their own.
func (r *Room) PutSetting(ctx context.Context, s Scope, caller Caller, name, value, principal string) (SettingView, error) {
	who, err := s.principal(caller, principal)
	if err != nil {
		return SettingView{}, err
	}
	return r.putSetting(ctx, s, name, value, who)
}

// PutDefaultSetting sets a setting for the account.
func (r *Room) PutDefaultSetting(ctx context.Context, s Scope, name, value string) (SettingView, error) {
	return r.putSetting(ctx, s, name, value, "")
}

func (r *Room) putSetting(ctx context.Context, s Scope, name, value, who string) (SettingView, error) {
	rule, ok := settingRules[name]
	switch {
	case !ok:
		return SettingView{}, errSettingName(name)
	case rule.managed:
		return SettingView{}, ErrInvalidParameter("The setting %s is managed by AWS and cannot be changed.", name)
	case !slices.Contains(rule.values, value):
		return SettingView{}, ErrInvalidParameter("Invalid value for setting %s: %s. Valid values: %s", name, value, strings.Join(slices.Sorted(slices.Values(rule.values)), ", "))
	case value == "disabled" && slices.Contains(longARNSettings, name):
		return SettingView{}, ErrInvalidParameter("You can no longer disable Long Arn settings")
	}
	setting := &AccountSetting{Scope: s, Name: name, Value: value, Principal: who}
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		Settings.Put(tx, setting)
		return nil
	})
	if err != nil {
		return SettingView{}, err
	}
	return s.viewSetting(setting.Name, setting.Value, setting.Principal), nil
}

// DeleteSetting takes back what was set for a principal and answers with what
// holds now.
func (r *Room) DeleteSetting(ctx context.Context, s Scope, caller Caller, name, principal string) (SettingView, error) {
	if _, ok := settingRules[name]; !ok {
		return SettingView{}, errSettingName(name)
	}
	who, err := s.principal(caller, principal)
	if err != nil {
		return SettingView{}, err
	}
	value := ""
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		setting := AccountSetting{Scope: s, Name: name, Principal: who}
		Settings.Delete(tx, setting.Key())
		value = effectiveSetting(tx, s, name, who)
		return nil
	})
	if err != nil {
		return SettingView{}, err
	}
	return s.viewSetting(name, value, who), nil
}

// ListSettingsRequest filters settings. Effective asks for what holds for the
// principal, whoever set it; else only what was set for it is listed.
type ListSettingsRequest struct {
	Name, Value, Principal string
	Effective              bool
	MaxResults             *int32 // 1 to 10, default 10
	NextToken              string
}

// ListSettings lists settings by name.
func (r *Room) ListSettings(s Scope, caller Caller, req ListSettingsRequest) (list []SettingView, next string, err error) {
	if _, ok := settingRules[req.Name]; req.Name != "" && !ok {
		return nil, "", errSettingName(req.Name)
	}
	if req.Value != "" && req.Name == "" {
		return nil, "", ErrInvalidParameter("A setting name must be specified with a setting value.")
	}
	who, err := s.principal(caller, req.Principal)
	if err != nil {
		return nil, "", err
	}
	size, err := pageSize(req.MaxResults, settingsPage, settingsPage)
	if err != nil {
		return nil, "", err
	}
	effective := "own"
	if req.Effective {
		effective = "effective"
	}
	within := page.Scope("ListAccountSettings", s.Account, s.Region, who, req.Name, req.Value, effective)
	after, err := pageStart(within, req.NextToken)
	if err != nil {
		return nil, "", err
	}
	for _, v := range s.settings(r.st.Snapshot(), who, req.Effective) {
		if v.Name <= after || req.Name != "" && v.Name != req.Name || req.Value != "" && v.Value != req.Value {
			continue
		}
		if len(list) == size {
			return list, page.Encode(within, list[size-1].Name), nil
		}
		list = append(list, v)
	}
	return list, "", nil
}

// settings are those of a principal, by name.
func (s Scope) settings(r store.Reader, who string, effective bool) []SettingView {
	var names []string
	for name := range settingRules {
		_, own := Settings.Get(r, (&AccountSetting{Scope: s, Name: name, Principal: who}).Key())
		if own || effective {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []SettingView
	for _, name := range names {
		out = append(out, s.viewSetting(name, effectiveSetting(r, s, name, who), who))
	}
	return out
}

// effectiveSetting: the principal's own, else the account's, else AWS's.
func effectiveSetting(r store.Reader, s Scope, name, who string) string {
	for _, principal := range []string{who, ""} {
		if v, ok := Settings.Get(r, (&AccountSetting{Scope: s, Name: name, Principal: principal}).Key()); ok {
			return v.Value
		}
	}
	return settingRules[name].values[0]
}

func (s Scope) viewSetting(name, value, who string) SettingView {
	if who == "" {
		who = s.rootARN()
	}
	return SettingView{Name: name, Value: value, Principal: who, Managed: settingRules[name].managed}
}

func (s Scope) rootARN() string { return "arn:aws:iam::" + s.Account + ":root" }

// principal is the ARN that settings are kept under: "" for the root user, the
// role's for a session of a role.
func (s Scope) principal(caller Caller, ref string) (string, error) {
	if ref == "" {
		ref = caller.ARN
	}
	a, err := arn.Parse(ref)
	if err != nil || a.Service != "iam" && a.Service != "sts" || a.Account != s.Account {
		return "", ErrInvalidParameter("Invalid principal ARN: %s", ref)
	}
	if a.Resource == "root" {
		return "", nil
	}
	if session, ok := strings.CutPrefix(a.Resource, "assumed-role/"); ok {
		role, _, _ := strings.Cut(session, "/")
		return "arn:aws:iam::" + s.Account + ":role/" + role, nil
	}
	return ref, nil
}

func errSettingName(name string) error {
	return ErrInvalidParameter("Invalid setting name: %s", name)
}
