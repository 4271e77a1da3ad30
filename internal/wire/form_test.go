package wire_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/service/sts/stsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func TestQueryAnswerToSDK(t *testing.T) {
	s := serve(t, nil)
	handle(s, stsshape.GetCallerIdentity, &stsshape.GetCallerIdentityOutput{Account: new("1"), Arn: new("arn:<&>\"'\r\n\x01"), UserId: new("")})
	out, err := s.sts().GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *out.Account != "1" || *out.Arn != "arn:<&>\"'\r\n\ufffd" || *out.UserId != "" {
		t.Errorf("answer = %q %q %q", *out.Account, *out.Arn, *out.UserId)
	}
}

func TestEC2InputFromSDK(t *testing.T) {
	s := serve(t, nil)
	got := capture(s, ec2shape.DescribeInstances)
	_, err := s.ec2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		InstanceIds: []string{"i-1", "i-2", "i-3", "i-4", "i-5", "i-6", "i-7", "i-8", "i-9", "i-10", "i-11"},
		DryRun:      aws.Bool(false),
		MaxResults:  aws.Int32(5),
		NextToken:   aws.String("a b+c&d=é"),
		Filters: []ec2types.Filter{
			{Name: aws.String("tag:x"), Values: []string{"1", ""}},
			{Name: aws.String("vpc-id"), Values: []string{"v"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &ec2shape.DescribeInstancesInput{
		InstanceIds: []string{"i-1", "i-2", "i-3", "i-4", "i-5", "i-6", "i-7", "i-8", "i-9", "i-10", "i-11"},
		DryRun:      new(false),
		MaxResults:  new(int32(5)),
		NextToken:   new("a b+c&d=é"),
		Filters: []ec2shape.Filter{
			{Name: new("tag:x"), Values: []string{"1", ""}},
			{Name: new("vpc-id"), Values: []string{"v"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestEC2AnswerToSDK(t *testing.T) {
	s := serve(t, nil)
	launched := time.Date(2026, 5, 6, 7, 8, 9, 10_000_000, time.UTC)
	handle(s, ec2shape.DescribeInstances, &ec2shape.DescribeInstancesOutput{
		Reservations: []ec2shape.Reservation{{
			ReservationId: new("r-1"), OwnerId: new(account), Groups: []ec2shape.GroupIdentifier{},
			Instances: []ec2shape.Instance{{
				InstanceId: new("i-1"), InstanceType: new("t3.micro"), EbsOptimized: new(false), LaunchTime: shape.At(launched),
				Placement: &ec2shape.Placement{AvailabilityZone: new("eu-west-3a")}, PrivateIpAddress: new("10.0.0.4"),
				State: &ec2shape.InstanceState{Code: new(int32(16)), Name: new("running")},
				Tags:  []ec2shape.Tag{{Key: new("Name"), Value: new("a<b")}},
				NetworkInterfaces: []ec2shape.InstanceNetworkInterface{{
					PrivateIpAddresses: []ec2shape.InstancePrivateIpAddress{{Primary: new(true), PrivateIpAddress: new("10.0.0.4")}},
				}},
			}},
		}},
	})
	out, err := s.ec2().DescribeInstances(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []ec2types.Reservation{{
		ReservationId: aws.String("r-1"), OwnerId: aws.String(account), Groups: []ec2types.GroupIdentifier{},
		Instances: []ec2types.Instance{{
			InstanceId: aws.String("i-1"), InstanceType: "t3.micro", EbsOptimized: aws.Bool(false), LaunchTime: &launched,
			Placement: &ec2types.Placement{AvailabilityZone: aws.String("eu-west-3a")}, PrivateIpAddress: aws.String("10.0.0.4"),
			State: &ec2types.InstanceState{Code: aws.Int32(16), Name: "running"},
			Tags:  []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("a<b")}},
			NetworkInterfaces: []ec2types.InstanceNetworkInterface{{
				PrivateIpAddresses: []ec2types.InstancePrivateIpAddress{{Primary: aws.Bool(true), PrivateIpAddress: aws.String("10.0.0.4")}},
			}},
		}},
	}}
	if diff := cmp.Diff(want, out.Reservations, unexported, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestEC2Errors(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		err        error
		status     int
		want       string
	}{
		{"of the handler", "", apierr.Client("InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist"), 400, "<Code>InvalidInstanceID.NotFound</Code><Message>The instance ID 'i-1' does not exist</Message>"},
		{"internal", "", errors.New("x"), 500, "<Code>InternalError</Code>"},
		{"wrong type", "&MaxResults=many", nil, 400, "<Code>InvalidParameterValue</Code><Message>Invalid value 'many' for MaxResults. The value must be a valid integer.</Message>"},
		{"absurd index", "&InstanceId.999999999999=i-1&Filter.999999.Value.88888888=x", nil, 200, "<requestId>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, nil)
			wire.Handle(s.Mux, ec2shape.DescribeInstances, func(context.Context, *wire.Call, *ec2shape.DescribeInstancesInput) (*ec2shape.DescribeInstancesOutput, error) {
				return nil, tc.err
			})
			status, body := s.form(t, "ec2", "Action=DescribeInstances&Version=2016-11-15"+tc.body)
			if status != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("answer = %d %s\nwant     %d …%s…", status, body, tc.status, tc.want)
			}
		})
	}
}

func TestEC2ErrorToSDK(t *testing.T) {
	s := serve(t, nil)
	wire.Handle(s.Mux, ec2shape.DescribeSubnets, func(context.Context, *wire.Call, *ec2shape.DescribeSubnetsInput) (*ec2shape.DescribeSubnetsOutput, error) {
		return nil, apierr.Client("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist")
	})
	_, err := s.ec2().DescribeSubnets(t.Context(), nil)
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidSubnetID.NotFound" || api.ErrorMessage() != "The subnet ID 'subnet-1' does not exist" {
		t.Errorf("error = %v", err)
	}
}
