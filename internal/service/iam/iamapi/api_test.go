package iamapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamapi"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

const (
	trustECS = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	readLogs = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:Get*", "Resource": "*"}]}`
	execRole = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
)

// door is IAM on a socket, over a real store, with the SDK client of an account.
type door struct {
	*sdk.Client
	account string
}

func open(t *testing.T) *door {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	room := iam.New(st, iam.Config{})
	guard := authz.New(room)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	iamapi.Register(mux, room)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	account, root, err := room.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &door{account: account.ID, Client: sdk.NewFromConfig(aws.Config{
		Region: "eu-west-3", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1, HTTPClient: iamtest.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: root.ID, SecretAccessKey: root.Secret}, nil
		}),
	})}
}

func (d *door) role(t *testing.T, name string) *types.Role {
	t.Helper()
	out, err := d.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: new(trustECS)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Role
}

func (d *door) policy(t *testing.T, name string) string {
	t.Helper()
	out, err := d.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{PolicyName: &name, PolicyDocument: new(readLogs)})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Policy.Arn
}

func must[T any](t *testing.T) func(T, error) T {
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// refused checks an error's status and code and, unless it is "", its text.
func refused(t *testing.T, err error, want, text string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	resp, ok2 := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || !ok2 {
		t.Errorf("no API error: %v, want %s", err, want)
		return
	}
	if got := fmt.Sprint(resp.HTTPStatusCode(), " ", api.ErrorCode()); got != want || text != "" && api.ErrorMessage() != text {
		t.Errorf("got %s %q, want %s %q", got, api.ErrorMessage(), want, text)
	}
}

func decoded(t *testing.T, s *string) string {
	t.Helper()
	if s == nil || strings.ContainsAny(*s, `{" +`) {
		t.Fatalf("the document is not URL-encoded: %v", aws.ToString(s))
	}
	text, err := url.QueryUnescape(*s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRoleLife(t *testing.T) {
	d, ctx := open(t), t.Context()
	made := must[*sdk.CreateRoleOutput](t)(d.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: new("web.app+1"), Path: new("/team/web/"), AssumeRolePolicyDocument: new(trustECS), Description: new("Runs the web, ü"),
		MaxSessionDuration: new(int32(7200)), Tags: []types.Tag{{Key: new("team"), Value: new("web")}},
	})).Role
	if want := "arn:aws:iam::" + d.account + ":role/team/web/web.app+1"; *made.Arn != want || *made.Path != "/team/web/" {
		t.Errorf("made %s, want %s", *made.Arn, want)
	}
	if !strings.HasPrefix(*made.RoleId, "AROA") || len(*made.RoleId) != 21 || made.CreateDate == nil {
		t.Errorf("made %s at %v", *made.RoleId, made.CreateDate)
	}
	got := must[*sdk.GetRoleOutput](t)(d.GetRole(ctx, &sdk.GetRoleInput{RoleName: new("web.app+1")})).Role
	if decoded(t, got.AssumeRolePolicyDocument) != trustECS || *got.Description != "Runs the web, ü" || *got.MaxSessionDuration != 7200 ||
		len(got.Tags) != 1 || *got.Tags[0].Value != "web" || got.RoleLastUsed == nil || *got.RoleId != *made.RoleId {
		t.Errorf("got %+v", got)
	}

	must[*sdk.UpdateRoleOutput](t)(d.UpdateRole(ctx, &sdk.UpdateRoleInput{RoleName: new("web.app+1"), Description: new(""), MaxSessionDuration: new(int32(3600))}))
	must[*sdk.UpdateAssumeRolePolicyOutput](t)(d.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{
		RoleName: new("web.app+1"), PolicyDocument: new(strings.Replace(trustECS, "ecs-tasks", "ec2", 1)),
	}))
	must[*sdk.TagRoleOutput](t)(d.TagRole(ctx, &sdk.TagRoleInput{RoleName: new("web.app+1"), Tags: []types.Tag{
		{Key: new("team"), Value: new("")}, {Key: new("cost"), Value: new("1")}, {Key: new("area"), Value: new("2")},
	}}))
	must[*sdk.UntagRoleOutput](t)(d.UntagRole(ctx, &sdk.UntagRoleInput{RoleName: new("web.app+1"), TagKeys: []string{"area", "none"}}))
	got = must[*sdk.GetRoleOutput](t)(d.GetRole(ctx, &sdk.GetRoleInput{RoleName: new("web.app+1")})).Role
	if !strings.Contains(decoded(t, got.AssumeRolePolicyDocument), `"ec2.amazonaws.com"`) || aws.ToString(got.Description) != "" || *got.MaxSessionDuration != 3600 {
		t.Errorf("updated %+v", got)
	}
	tags := must[*sdk.ListRoleTagsOutput](t)(d.ListRoleTags(ctx, &sdk.ListRoleTagsInput{RoleName: new("web.app+1")}))
	if len(tags.Tags) != 2 || *tags.Tags[0].Key != "cost" || *tags.Tags[1].Key != "team" || *tags.Tags[1].Value != "" || tags.IsTruncated {
		t.Errorf("tags %+v", tags)
	}

	_, err := d.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: new("WEB.app+1"), AssumeRolePolicyDocument: new(trustECS)})
	refused(t, err, "409 EntityAlreadyExists", "Role with name WEB.app+1 already exists.")
	must[*sdk.DeleteRoleOutput](t)(d.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: new("web.app+1")}))
	_, err = d.GetRole(ctx, &sdk.GetRoleInput{RoleName: new("web.app+1")})
	refused(t, err, "404 NoSuchEntity", "The role with name web.app+1 cannot be found.")
	if again := d.role(t, "web.app+1"); *again.RoleId == *made.RoleId {
		t.Error("a role that is made again has the id of the one before")
	}
}

func TestListsComeInPages(t *testing.T) {
	d, ctx := open(t), t.Context()
	for _, name := range []string{"c", "a", "b", "E", "d"} {
		d.role(t, name)
	}
	var names []string
	pages := 0
	for p := sdk.NewListRolesPaginator(d, &sdk.ListRolesInput{MaxItems: new(int32(2))}); p.HasMorePages(); pages++ {
		out := must[*sdk.ListRolesOutput](t)(p.NextPage(ctx))
		for _, r := range out.Roles {
			names = append(names, *r.RoleName)
		}
	}
	if !slices.Equal(names, []string{"a", "b", "c", "d", "E"}) || pages != 3 {
		t.Errorf("%v in %d pages", names, pages)
	}
	_, err := d.ListRoles(ctx, &sdk.ListRolesInput{Marker: new("nonsense")})
	refused(t, err, "400 ValidationError", "Invalid Marker.")
	if out := must[*sdk.ListRolesOutput](t)(d.ListRoles(ctx, &sdk.ListRolesInput{PathPrefix: new("/none/")})); len(out.Roles) != 0 || out.Roles == nil {
		t.Errorf("roles below another path: %v", out.Roles)
	}
}

func TestRolePolicies(t *testing.T) {
	d, ctx := open(t), t.Context()
	d.role(t, "r")
	own := d.policy(t, "own")
	for _, name := range []string{"two", "one", "two"} {
		must[*sdk.PutRolePolicyOutput](t)(d.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: new("r"), PolicyName: &name, PolicyDocument: new(readLogs)}))
	}
	got := must[*sdk.GetRolePolicyOutput](t)(d.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("one")}))
	if decoded(t, got.PolicyDocument) != readLogs || *got.PolicyName != "one" || *got.RoleName != "r" {
		t.Errorf("got %+v", got)
	}
	names := must[*sdk.ListRolePoliciesOutput](t)(d.ListRolePolicies(ctx, &sdk.ListRolePoliciesInput{RoleName: new("r")}))
	if !slices.Equal(names.PolicyNames, []string{"one", "two"}) {
		t.Errorf("policies %v", names.PolicyNames)
	}
	for _, name := range []string{own, execRole, execRole} {
		must[*sdk.AttachRolePolicyOutput](t)(d.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: new("r"), PolicyArn: &name}))
	}
	attached := must[*sdk.ListAttachedRolePoliciesOutput](t)(d.ListAttachedRolePolicies(ctx, &sdk.ListAttachedRolePoliciesInput{RoleName: new("r")}))
	if len(attached.AttachedPolicies) != 2 || !slices.ContainsFunc(attached.AttachedPolicies, func(p types.AttachedPolicy) bool {
		return *p.PolicyName == "AmazonECSTaskExecutionRolePolicy" && *p.PolicyArn == execRole
	}) {
		t.Errorf("attached %+v", attached.AttachedPolicies)
	}
	below := must[*sdk.ListAttachedRolePoliciesOutput](t)(d.ListAttachedRolePolicies(ctx, &sdk.ListAttachedRolePoliciesInput{RoleName: new("r"), PathPrefix: new("/service-role/")}))
	if len(below.AttachedPolicies) != 1 {
		t.Errorf("attached below a path %+v", below.AttachedPolicies)
	}
	used := must[*sdk.GetPolicyOutput](t)(d.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: &own}))
	if *used.Policy.AttachmentCount != 1 {
		t.Errorf("attached %d times", *used.Policy.AttachmentCount)
	}
	entities := must[*sdk.ListEntitiesForPolicyOutput](t)(d.ListEntitiesForPolicy(ctx, &sdk.ListEntitiesForPolicyInput{PolicyArn: new(execRole)}))
	if len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != "r" {
		t.Errorf("entities %+v", entities.PolicyRoles)
	}

	remove := func() error {
		_, err := d.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: new("r")})
		return err
	}
	_, err := d.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: &own})
	refused(t, err, "409 DeleteConflict", "Cannot delete a policy attached to entities.")
	refused(t, remove(), "409 DeleteConflict", "Cannot delete entity, must detach all policies first.")
	for _, name := range []string{own, execRole} {
		must[*sdk.DetachRolePolicyOutput](t)(d.DetachRolePolicy(ctx, &sdk.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &name}))
	}
	refused(t, remove(), "409 DeleteConflict", "Cannot delete entity, must delete policies first.")
	for _, name := range []string{"one", "two"} {
		must[*sdk.DeleteRolePolicyOutput](t)(d.DeleteRolePolicy(ctx, &sdk.DeleteRolePolicyInput{RoleName: new("r"), PolicyName: &name}))
	}
	_, err = d.DetachRolePolicy(ctx, &sdk.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &own})
	refused(t, err, "404 NoSuchEntity", "Policy "+own+" was not found.")
	if err := remove(); err != nil {
		t.Error(err)
	}
	must[*sdk.DeletePolicyOutput](t)(d.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: &own}))
}

func TestBoundary(t *testing.T) {
	d, ctx := open(t), t.Context()
	bound := d.policy(t, "bound")
	out := must[*sdk.CreateRoleOutput](t)(d.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new(trustECS), PermissionsBoundary: &bound}))
	if b := out.Role.PermissionsBoundary; b == nil || *b.PermissionsBoundaryArn != bound {
		t.Errorf("boundary %+v", b)
	}
	_, err := d.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: &bound})
	refused(t, err, "409 DeleteConflict", "")
	must[*sdk.PutRolePermissionsBoundaryOutput](t)(d.PutRolePermissionsBoundary(ctx, &sdk.PutRolePermissionsBoundaryInput{RoleName: new("r"), PermissionsBoundary: new(execRole)}))
	must[*sdk.DeleteRolePermissionsBoundaryOutput](t)(d.DeleteRolePermissionsBoundary(ctx, &sdk.DeleteRolePermissionsBoundaryInput{RoleName: new("r")}))
	must[*sdk.DeletePolicyOutput](t)(d.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: &bound}))
}

func TestManagedPolicies(t *testing.T) {
	d, ctx := open(t), t.Context()
	made := must[*sdk.CreatePolicyOutput](t)(d.CreatePolicy(ctx, &sdk.CreatePolicyInput{
		PolicyName: new("logs"), Path: new("/team/"), PolicyDocument: new(readLogs), Description: new("reads"),
		Tags: []types.Tag{{Key: new("a"), Value: new("b")}},
	})).Policy
	name := *made.Arn
	if name != "arn:aws:iam::"+d.account+":policy/team/logs" || *made.DefaultVersionId != "v1" || !strings.HasPrefix(*made.PolicyId, "ANPA") || !made.IsAttachable {
		t.Errorf("made %+v", made)
	}
	_, err := d.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: new("logs"), PolicyDocument: new(readLogs)})
	refused(t, err, "409 EntityAlreadyExists", "A policy called logs already exists. Duplicate names are not allowed.")

	for n := 2; n <= 5; n++ {
		v := must[*sdk.CreatePolicyVersionOutput](t)(d.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: &name, PolicyDocument: new(readLogs), SetAsDefault: n == 3})).PolicyVersion
		if *v.VersionId != fmt.Sprintf("v%d", n) || v.IsDefaultVersion != (n == 3) {
			t.Errorf("version %d is %+v", n, v)
		}
	}
	_, err = d.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: &name, PolicyDocument: new(readLogs)})
	refused(t, err, "409 LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	_, err = d.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: &name, VersionId: new("v3")})
	refused(t, err, "409 DeleteConflict", "Cannot delete the default version of a policy.")
	_, err = d.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: &name})
	refused(t, err, "409 DeleteConflict", "")
	must[*sdk.DeletePolicyVersionOutput](t)(d.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: &name, VersionId: new("v5")}))
	if v := must[*sdk.CreatePolicyVersionOutput](t)(d.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: &name, PolicyDocument: new(readLogs)})); *v.PolicyVersion.VersionId != "v6" {
		t.Errorf("a version's number is given again: %s", *v.PolicyVersion.VersionId)
	}
	must[*sdk.SetDefaultPolicyVersionOutput](t)(d.SetDefaultPolicyVersion(ctx, &sdk.SetDefaultPolicyVersionInput{PolicyArn: &name, VersionId: new("v6")}))
	var versions []string
	for p := sdk.NewListPolicyVersionsPaginator(d, &sdk.ListPolicyVersionsInput{PolicyArn: &name, MaxItems: new(int32(2))}); p.HasMorePages(); {
		for _, v := range must[*sdk.ListPolicyVersionsOutput](t)(p.NextPage(ctx)).Versions {
			versions = append(versions, *v.VersionId)
		}
	}
	if !slices.Equal(versions, []string{"v6", "v4", "v3", "v2", "v1"}) {
		t.Errorf("versions %v", versions)
	}
	v := must[*sdk.GetPolicyVersionOutput](t)(d.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: &name, VersionId: new("v6")})).PolicyVersion
	if decoded(t, v.Document) != readLogs || !v.IsDefaultVersion {
		t.Errorf("version %+v", v)
	}
	_, err = d.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: &name, VersionId: new("v5")})
	refused(t, err, "404 NoSuchEntity", "Policy "+name+" version v5 does not exist or is not attachable.")
	got := must[*sdk.GetPolicyOutput](t)(d.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: &name})).Policy
	if *got.DefaultVersionId != "v6" || *got.Description != "reads" || len(got.Tags) != 1 {
		t.Errorf("got %+v", got)
	}
	local := must[*sdk.ListPoliciesOutput](t)(d.ListPolicies(ctx, &sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}))
	if len(local.Policies) != 1 || *local.Policies[0].Arn != name {
		t.Errorf("own policies %+v", local.Policies)
	}
}

func TestPoliciesOfAWS(t *testing.T) {
	d, ctx := open(t), t.Context()
	all := map[string]string{}
	for p := sdk.NewListPoliciesPaginator(d, &sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, MaxItems: new(int32(7))}); p.HasMorePages(); {
		for _, p := range must[*sdk.ListPoliciesOutput](t)(p.NextPage(ctx)).Policies {
			all[*p.PolicyName] = *p.Arn
		}
	}
	for _, name := range []string{
		"AdministratorAccess", "service-role/AmazonECSTaskExecutionRolePolicy", "service-role/AmazonEC2ContainerServiceforEC2Role", "AmazonECS_FullAccess",
		"service-role/AmazonEC2ContainerServiceAutoscaleRole", "AWSCodeDeployRoleForECS", "service-role/AmazonECSInfrastructureRolePolicyForVolumes",
		"AmazonECSInfrastructureRolePolicyForLoadBalancers", "AmazonSSMManagedInstanceCore", "CloudWatchLogsFullAccess", "aws-service-role/AmazonECSServiceRolePolicy",
	} {
		arn := "arn:aws:iam::aws:policy/" + name
		if short := name[strings.LastIndexByte(name, '/')+1:]; all[short] != arn {
			t.Errorf("%s is not listed: %q", arn, all[short])
		}
	}
	for _, arn := range all {
		v := must[*sdk.GetPolicyVersionOutput](t)(d.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: &arn, VersionId: new("v1")}))
		if !strings.HasPrefix(decoded(t, v.PolicyVersion.Document), `{"Version":"2012-10-17","Statement":[{`) {
			t.Errorf("%s is %s", arn, *v.PolicyVersion.Document)
		}
	}
	_, err := d.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: new(execRole)})
	refused(t, err, "403 AccessDenied", "Policy is outside your own account.")
}

func TestInstanceProfiles(t *testing.T) {
	d, ctx := open(t), t.Context()
	d.role(t, "r")
	d.role(t, "r2")
	p := must[*sdk.CreateInstanceProfileOutput](t)(d.CreateInstanceProfile(ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: new("p")})).InstanceProfile
	if *p.Arn != "arn:aws:iam::"+d.account+":instance-profile/p" || !strings.HasPrefix(*p.InstanceProfileId, "AIPA") || len(p.Roles) != 0 {
		t.Errorf("made %+v", p)
	}
	_, err := d.CreateInstanceProfile(ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: new("p")})
	refused(t, err, "409 EntityAlreadyExists", "Instance Profile p already exists.")
	must[*sdk.AddRoleToInstanceProfileOutput](t)(d.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: new("p"), RoleName: new("r")}))
	_, err = d.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: new("p"), RoleName: new("r2")})
	refused(t, err, "409 LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	got := must[*sdk.GetInstanceProfileOutput](t)(d.GetInstanceProfile(ctx, &sdk.GetInstanceProfileInput{InstanceProfileName: new("p")})).InstanceProfile
	if len(got.Roles) != 1 || *got.Roles[0].RoleName != "r" {
		t.Errorf("got %+v", got)
	}
	of := must[*sdk.ListInstanceProfilesForRoleOutput](t)(d.ListInstanceProfilesForRole(ctx, &sdk.ListInstanceProfilesForRoleInput{RoleName: new("r")}))
	if len(of.InstanceProfiles) != 1 || *of.InstanceProfiles[0].InstanceProfileName != "p" {
		t.Errorf("of the role %+v", of.InstanceProfiles)
	}
	_, err = d.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: new("r")})
	refused(t, err, "409 DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	_, err = d.DeleteInstanceProfile(ctx, &sdk.DeleteInstanceProfileInput{InstanceProfileName: new("p")})
	refused(t, err, "409 DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	must[*sdk.RemoveRoleFromInstanceProfileOutput](t)(d.RemoveRoleFromInstanceProfile(ctx, &sdk.RemoveRoleFromInstanceProfileInput{InstanceProfileName: new("p"), RoleName: new("r")}))
	must[*sdk.DeleteInstanceProfileOutput](t)(d.DeleteInstanceProfile(ctx, &sdk.DeleteInstanceProfileInput{InstanceProfileName: new("p")}))
	_, err = d.GetInstanceProfile(ctx, &sdk.GetInstanceProfileInput{InstanceProfileName: new("p")})
	refused(t, err, "404 NoSuchEntity", "Instance Profile p cannot be found.")
}

func TestServiceLinkedRoles(t *testing.T) {
	d, ctx := open(t), t.Context()
	role := must[*sdk.CreateServiceLinkedRoleOutput](t)(d.CreateServiceLinkedRole(ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: new("ecs.amazonaws.com")})).Role
	if want := "arn:aws:iam::" + d.account + ":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"; *role.Arn != want {
		t.Errorf("made %s, want %s", *role.Arn, want)
	}
	_, err := d.CreateServiceLinkedRole(ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: new("ecs.amazonaws.com")})
	refused(t, err, "400 InvalidInput", "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.")
	_, err = d.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: new("AWSServiceRoleForECS")})
	refused(t, err, "400 UnmodifiableEntity", "Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS")
	_, err = d.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: new("AWSServiceRoleForECS"), PolicyArn: new(execRole)})
	refused(t, err, "400 UnmodifiableEntity", "")
	task := must[*sdk.DeleteServiceLinkedRoleOutput](t)(d.DeleteServiceLinkedRole(ctx, &sdk.DeleteServiceLinkedRoleInput{RoleName: new("AWSServiceRoleForECS")}))
	status := must[*sdk.GetServiceLinkedRoleDeletionStatusOutput](t)(d.GetServiceLinkedRoleDeletionStatus(ctx, &sdk.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: task.DeletionTaskId}))
	if status.Status != types.DeletionTaskStatusTypeSucceeded {
		t.Errorf("deletion is %s", status.Status)
	}
	_, err = d.GetServiceLinkedRoleDeletionStatus(ctx, &sdk.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: new("task/x")})
	refused(t, err, "404 NoSuchEntity", "")
}

func TestRefusals(t *testing.T) {
	d, ctx := open(t), t.Context()
	d.role(t, "r")
	long := strings.Replace(readLogs, "logs:Get*", strings.Repeat("s3:Get*\",\"", 1200)+"s3:*", 1)
	long = strings.Replace(strings.Replace(long, `"s3:Get*"`, `["s3:Get*"`, 1), `"s3:*"`, `"s3:*"]`, 1)
	for _, c := range []struct {
		name, want, text string
		do               func() error
	}{
		{"trust that is no JSON", "400 MalformedPolicyDocument", "This policy contains invalid Json", func() error {
			_, err := d.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: new("x"), AssumeRolePolicyDocument: new("{")})
			return err
		}},
		{"trust in nobody", "400 MalformedPolicyDocument", "Has prohibited field Resource", func() error {
			_, err := d.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: new("r"), PolicyDocument: new(readLogs)})
			return err
		}},
		{"an inline policy with a principal", "400 MalformedPolicyDocument", "Policy document should not specify a principal.", func() error {
			_, err := d.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: new("r"), PolicyName: new("p"), PolicyDocument: new(trustECS)})
			return err
		}},
		{"an inline policy that is too long", "409 LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r", func() error {
			_, err := d.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: new("r"), PolicyName: new("p"), PolicyDocument: &long})
			return err
		}},
		{"a managed policy that is too long", "409 LimitExceeded", "Cannot exceed quota for PolicySize: 6144", func() error {
			_, err := d.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: &long})
			return err
		}},
		{"a policy of a role that is not there", "404 NoSuchEntity", "The role with name x cannot be found.", func() error {
			_, err := d.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: new("x"), PolicyName: new("p"), PolicyDocument: new(readLogs)})
			return err
		}},
		{"an inline policy that is not there", "404 NoSuchEntity", "The role policy with name p cannot be found.", func() error {
			_, err := d.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("p")})
			return err
		}},
		{"a managed policy that is not there", "404 NoSuchEntity", "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.", func() error {
			_, err := d.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: new("r"), PolicyArn: new("arn:aws:iam::aws:policy/Nothing")})
			return err
		}},
		{"a policy of another account", "404 NoSuchEntity", "", func() error {
			_, err := d.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: new("arn:aws:iam::000000000001:policy/x")})
			return err
		}},
		{"a name that is no ARN", "400 InvalidInput", "ARN AmazonECSTaskExecutionRolePolicy is not valid.", func() error {
			_, err := d.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: new("r"), PolicyArn: new("AmazonECSTaskExecutionRolePolicy")})
			return err
		}},
		{"a tag of AWS's own", "400 InvalidInput", "", func() error {
			_, err := d.TagRole(ctx, &sdk.TagRoleInput{RoleName: new("r"), Tags: []types.Tag{{Key: new("aws:x"), Value: new("y")}}})
			return err
		}},
		{"a path without an end", "400 ValidationError", "", func() error {
			_, err := d.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: new("x"), Path: new("/a"), AssumeRolePolicyDocument: new(trustECS)})
			return err
		}},
		{"a session that may be too short", "400 ValidationError", "", func() error {
			_, err := d.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: new("x"), MaxSessionDuration: new(int32(60)), AssumeRolePolicyDocument: new(trustECS)})
			return err
		}},
		{"a service without a role", "400 InvalidInput", "", func() error {
			_, err := d.CreateServiceLinkedRole(ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: new("nothing.amazonaws.com")})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.do(), c.want, c.text) })
	}
}
