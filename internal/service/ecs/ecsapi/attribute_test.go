package ecsapi_test

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func TestRegistrationEchoesAttributes(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	i := d.registered(t, "i-1", "")
	want := map[string]string{
		"ecs.cpu-architecture": "x86_64", "com.amazonaws.ecs.capability.docker-remote-api.1.17": "", "stack": "prod",
		"ecs.availability-zone": "us-east-1b", "ecs.instance-type": "t3.medium", "ecs.ami-id": "ami-1",
	}
	if diff := cmp.Diff(want, attributes(i.Attributes)); diff != "" {
		t.Error(diff)
	}
	if *i.Status != "ACTIVE" || i.AgentConnected || *i.Ec2InstanceId != "i-1" || i.Version != 1 {
		t.Errorf("registered as %+v", i)
	}
	outside := d.registered(t, "", "")
	if !strings.HasPrefix(*outside.Ec2InstanceId, "mi-") || len(*outside.Ec2InstanceId) != 20 {
		t.Errorf("a machine outside EC2 is %s", *outside.Ec2InstanceId)
	}
	_, err := d.RegisterContainerInstance(t.Context(), &sdk.RegisterContainerInstanceInput{Cluster: new("nobody")})
	wantError(t, err, "ClusterNotFoundException", "Cluster not found.")
}

func TestAttributes(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	arn := *d.registered(t, "i-1", "").ContainerInstanceArn
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	put := func(name, value string) error {
		_, err := d.PutAttributes(t.Context(), &sdk.PutAttributesInput{Attributes: []types.Attribute{
			{Name: &name, Value: &value, TargetId: &id, TargetType: types.TargetTypeContainerInstance},
		}})
		return err
	}
	out, err := d.PutAttributes(t.Context(), &sdk.PutAttributesInput{Attributes: []types.Attribute{{Name: new("a"), Value: new("1"), TargetId: &id}}})
	if err != nil || *out.Attributes[0].TargetId != arn || *out.Attributes[0].Value != "1" {
		t.Errorf("put %+v, %v", out, err)
	}
	// With "stack", which its agent set, and "a" there is room for eight more.
	for i := range 8 {
		if err := put(fmt.Sprintf("b%d", i), "x y"); err != nil {
			t.Fatal(err)
		}
	}
	if err := put("a", "2"); err != nil {
		t.Errorf("replace: %v", err)
	}
	wantError(t, put("c", ""), "AttributeLimitExceededException", "You can apply up to 10 custom attributes for each resource. You can view the attributes of a resource with ListAttributes. You can remove existing attributes on a resource with DeleteAttributes.")
	wantError(t, put("ecs.instance-type", "huge"), "InvalidParameterException", "The attribute ecs.instance-type is reserved: names that begin with ecs. or com.amazonaws. cannot be changed.")
	wantError(t, put("a b", ""), "InvalidParameterException", "Invalid attribute name: a b")
	wantError(t, put("a", " x"), "InvalidParameterException", "Invalid attribute value:  x")
	_, err = d.PutAttributes(t.Context(), &sdk.PutAttributesInput{Attributes: []types.Attribute{{Name: new("a"), TargetId: new(strings.Repeat("0", 32))}}})
	wantError(t, err, "TargetNotFoundException", "The specified target wasn't found. You can view your available container instances with ListContainerInstances. Amazon ECS container instances are cluster-specific and Region-specific.")
	_, err = d.PutAttributes(t.Context(), &sdk.PutAttributesInput{Attributes: make([]types.Attribute, 11)})
	if err == nil {
		t.Error("11 attributes are taken")
	}

	list := func(in *sdk.ListAttributesInput) map[string]string {
		t.Helper()
		in.TargetType = types.TargetTypeContainerInstance
		var all []types.Attribute
		pages := sdk.NewListAttributesPaginator(d, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page.Attributes...)
		}
		got := attributes(all)
		if len(got) != len(all) {
			t.Errorf("listed twice: %v", all)
		}
		return got
	}
	for size := range int32(15) {
		if got := list(&sdk.ListAttributesInput{MaxResults: new(size + 1)}); len(got) != 15 || got["a"] != "2" {
			t.Errorf("pages of %d: %v", size+1, got)
		}
	}
	if got := list(&sdk.ListAttributesInput{AttributeName: new("a"), AttributeValue: new("2")}); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	if got := list(&sdk.ListAttributesInput{AttributeName: new("a"), AttributeValue: new("3")}); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
	gone, err := d.DeleteAttributes(t.Context(), &sdk.DeleteAttributesInput{Attributes: []types.Attribute{{Name: new("a"), TargetId: &arn}, {Name: new("never"), TargetId: &id}}})
	if err != nil || len(gone.Attributes) != 2 || *gone.Attributes[0].TargetId != arn {
		t.Errorf("deleted %+v, %v", gone, err)
	}
	if _, there := attributes(d.instance(t, arn).Attributes)["a"]; there {
		t.Error("the attribute is still there")
	}
}
