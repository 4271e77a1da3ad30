package ecsapi_test

import (
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func TestTagsOfEveryResource(t *testing.T) {
	d := openDoor(t)
	cluster := *d.cluster(t, "default").ClusterArn
	instance := *d.registered(t, "i-0123456789abcdef0", "").ContainerInstanceArn
	d.connect(t, instance)
	made, err := d.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
		Family: new("web"), Tags: []types.Tag{{Key: new("first"), Value: new("1")}},
		ContainerDefinitions: []types.ContainerDefinition{{Name: new("app"), Image: new("app"), Memory: new(int32(64))}},
	})
	if err != nil || len(made.Tags) != 1 {
		t.Fatalf("made %v, %v", made, err)
	}
	run, err := d.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web")})
	if err != nil || len(run.Tasks) != 1 {
		t.Fatalf("run %v, %v", run, err)
	}
	service, err := d.CreateService(t.Context(), &sdk.CreateServiceInput{ServiceName: new("svc"), TaskDefinition: new("web"), DesiredCount: new(int32(0))})
	if err != nil {
		t.Fatal(err)
	}
	arns := []string{cluster, instance, *made.TaskDefinition.TaskDefinitionArn, *run.Tasks[0].TaskArn, *service.Service.ServiceArn}
	tags := func(arn string) map[string]string {
		t.Helper()
		out, err := d.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			t.Fatalf("%s: %v", arn, err)
		}
		got := map[string]string{}
		for _, tag := range out.Tags {
			got[*tag.Key] = *tag.Value
		}
		return got
	}
	for _, arn := range arns {
		before := tags(arn)
		for _, value := range []string{"old", "new"} {
			if _, err := d.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: new("k"), Value: &value}}}); err != nil {
				t.Fatalf("%s: %v", arn, err)
			}
		}
		if got := tags(arn); got["k"] != "new" || len(got) != len(before)+1 {
			t.Errorf("%s has %v", arn, got)
		}
		if _, err := d.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"k", "never"}}); err != nil {
			t.Fatalf("%s: %v", arn, err)
		}
		if diff := cmp.Diff(before, tags(arn)); diff != "" {
			t.Errorf("%s: %s", arn, diff)
		}
		_, err := d.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: new("aws:x"), Value: new("")}}})
		wantError(t, err, "InvalidParameterException", "aws: prefixed tag key names are not allowed for external use.")
		if _, err := d.as(secondAccount).ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &arn}); err == nil {
			t.Errorf("another account reads the tags of %s", arn)
		}
	}

	if _, err := d.StopTask(t.Context(), &sdk.StopTaskInput{Task: run.Tasks[0].TaskArn}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ arn, code, message string }{
		{"arn:aws:ecs:us-east-1:123456789012:service/svc", "InvalidParameterException", "Long arn format must be used for tagging operations"},
		{"arn:aws:ecr:us-east-1:123456789012:repository/a", "InvalidParameterException", "The ARN arn:aws:ecr:us-east-1:123456789012:repository/a is not valid."},
		{"nonsense", "InvalidParameterException", "The ARN nonsense is not valid."},
		{"arn:aws:ecs:us-east-1:123456789012:cluster/nobody", "ClusterNotFoundException", "Cluster not found."},
		{"arn:aws:ecs:us-east-1:123456789012:service/nobody/svc", "ClusterNotFoundException", "Cluster not found."},
		{"arn:aws:ecs:us-east-1:123456789012:service/default/nobody", "ResourceNotFoundException", "The specified service was not found. Specify a valid service and try again."},
		{"arn:aws:ecs:us-east-1:123456789012:task-definition/web:9", "ResourceNotFoundException", "The specified task definition was not found. Specify a valid task definition and try again."},
	} {
		_, err := d.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &tc.arn, Tags: []types.Tag{{Key: new("k"), Value: new("")}}})
		wantError(t, err, tc.code, tc.message)
	}
	d.cluster(t, "gone")
	gone, err := d.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: new("gone")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: gone.Cluster.ClusterArn})
	wantError(t, err, "InvalidParameterException", "The specified cluster is inactive. Specify an active cluster and try again.")
	if !slices.Contains(arns, cluster) {
		t.Fatal("the cluster was not looked at")
	}
}
