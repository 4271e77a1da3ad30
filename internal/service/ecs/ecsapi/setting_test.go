package ecsapi_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func TestAccountSettings(t *testing.T) {
	d := openDoor(t)
	root := "arn:aws:iam::" + firstAccount + ":root"
	user := "arn:aws:iam::" + firstAccount + ":user/bob"
	values := func(in *sdk.ListAccountSettingsInput) map[types.SettingName]string {
		t.Helper()
		got := map[types.SettingName]string{}
		pages := sdk.NewListAccountSettingsPaginator(d, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Settings) > 10 {
				t.Errorf("a page of %d", len(page.Settings))
			}
			for _, s := range page.Settings {
				got[s.Name] = aws.ToString(s.Value)
			}
		}
		return got
	}
	if got := values(&sdk.ListAccountSettingsInput{}); len(got) != 0 {
		t.Errorf("a fresh account has set %v", got)
	}
	got := values(&sdk.ListAccountSettingsInput{EffectiveSettings: true})
	want := map[types.SettingName]string{
		"awsvpcTrunking": "disabled", "containerInsights": "disabled", "containerInstanceLongArnFormat": "enabled",
		"defaultLogDriverMode": "non-blocking", "fargateEventWindows": "disabled", "fargateFIPSMode": "disabled",
		"fargateTaskRetirementWaitPeriod": "7", "guardDutyActivate": "off", "serviceLongArnFormat": "enabled",
		"tagResourceAuthorization": "on", "taskLongArnFormat": "enabled",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	put, err := d.PutAccountSettingDefault(t.Context(), &sdk.PutAccountSettingDefaultInput{Name: types.SettingNameContainerInsights, Value: new("enabled")})
	if err != nil || *put.Setting.PrincipalArn != root || put.Setting.Type != types.SettingTypeUser {
		t.Errorf("put %+v, %v", put, err)
	}
	if _, err := d.PutAccountSetting(t.Context(), &sdk.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: new("enhanced"), PrincipalArn: &user}); err != nil {
		t.Fatal(err)
	}
	insights := func(principal string) string {
		return values(&sdk.ListAccountSettingsInput{EffectiveSettings: true, PrincipalArn: &principal})[types.SettingNameContainerInsights]
	}
	if a, b := insights(user), insights(root); a != "enhanced" || b != "enabled" {
		t.Errorf("bob has %s, root %s", a, b)
	}
	if c := d.cluster(t, "watched"); *c.Settings[0].Value != "enabled" {
		t.Errorf("a new cluster has %v", c.Settings)
	}
	back, err := d.DeleteAccountSetting(t.Context(), &sdk.DeleteAccountSettingInput{Name: types.SettingNameContainerInsights, PrincipalArn: &user})
	if err != nil || *back.Setting.Value != "enabled" {
		t.Errorf("deleted %+v, %v", back, err)
	}
	if got := values(&sdk.ListAccountSettingsInput{PrincipalArn: &user}); len(got) != 0 {
		t.Errorf("bob has set %v", got)
	}

	_, err = d.PutAccountSetting(t.Context(), &sdk.PutAccountSettingInput{Name: types.SettingNameTaskLongArnFormat, Value: new("disabled")})
	wantError(t, err, "InvalidParameterException", "You can no longer disable Long Arn settings")
	_, err = d.PutAccountSetting(t.Context(), &sdk.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: new("maybe")})
	wantError(t, err, "InvalidParameterException", "Invalid value for setting containerInsights: maybe. Valid values: disabled, enabled, enhanced")
	_, err = d.PutAccountSetting(t.Context(), &sdk.PutAccountSettingInput{Name: "colour", Value: new("red")})
	if err == nil {
		t.Error("an unknown setting is taken")
	}
	if got := values(&sdk.ListAccountSettingsInput{EffectiveSettings: true, Name: types.SettingNameAwsvpcTrunking}); len(got) != 1 {
		t.Errorf("filtered by name: %v", got)
	}
	if theirs, err := d.as(secondAccount).ListAccountSettings(t.Context(), &sdk.ListAccountSettingsInput{}); err != nil || len(theirs.Settings) != 0 {
		t.Errorf("another account has %v, %v", theirs, err)
	}
}
