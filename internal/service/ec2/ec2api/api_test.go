package ec2api_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ec2/ec2api"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// endpoint is a server with the real wire and store, and the rooms behind it.
type endpoint struct {
	url  string
	iam  *iam.Room
	room *ec2.Room
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, slices.Concat(iam.Tables(), ec2.Tables())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	e := &endpoint{iam: iam.New(st, iam.Config{}), room: ec2.New(st, ec2.Config{})}
	guard := authz.New(e.iam)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	ec2api.Register(mux, e.room)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

func (e *endpoint) config(key iam.AccessKey) aws.Config {
	return sdkConfig(e.url, "us-east-1", key)
}

func (e *endpoint) account(t *testing.T) iam.AccessKey {
	t.Helper()
	_, key, err := e.iam.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

func TestInstancesAreNotAllowed(t *testing.T) {
	e := newEndpoint(t)
	key, err := e.iam.IssueInstanceKey(t.Context(), e.account(t).Account, "i-0123456789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = sdk.NewFromConfig(e.config(key)).DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{})
	wantCode(t, err, "UnauthorizedOperation", "")
}

func TestDescribeNetwork(t *testing.T) {
	e := newEndpoint(t)
	key := e.account(t)
	client := sdk.NewFromConfig(e.config(key))

	vpcs, err := client.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{Filters: []types.Filter{{
		Name: new("is-default"), Values: []string{"true"},
	}}})
	if err != nil || len(vpcs.Vpcs) != 1 {
		t.Fatalf("default VPCs: %+v, %v", vpcs, err)
	}
	vpc := vpcs.Vpcs[0]
	if *vpc.CidrBlock != "172.31.0.0/16" || !*vpc.IsDefault || *vpc.OwnerId != key.Account || vpc.State != types.VpcStateAvailable {
		t.Errorf("VPC is %+v", vpc)
	}
	subnets, err := client.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{Filters: []types.Filter{
		{Name: new("vpc-id"), Values: []string{*vpc.VpcId}},
		{Name: new("default-for-az"), Values: []string{"true"}},
	}})
	if err != nil || len(subnets.Subnets) != 3 {
		t.Fatalf("subnets: %+v, %v", subnets, err)
	}
	for n, subnet := range subnets.Subnets {
		zone := "us-east-1" + string(rune('a'+n))
		if *subnet.AvailabilityZone != zone || *subnet.AvailableIpAddressCount != 4091 || !*subnet.MapPublicIpOnLaunch {
			t.Errorf("subnet %d is %s with %d addresses, want %s with 4091", n, *subnet.AvailabilityZone, *subnet.AvailableIpAddressCount, zone)
		}
	}
	zones, err := client.DescribeAvailabilityZones(t.Context(), &sdk.DescribeAvailabilityZonesInput{})
	if err != nil || len(zones.AvailabilityZones) != 3 || *zones.AvailabilityZones[1].ZoneId != "use1-az2" {
		t.Errorf("zones: %+v, %v", zones, err)
	}

	for _, c := range []struct {
		name       string
		do         func() error
		code, text string
	}{
		{"no such VPC", func() error {
			_, err := client.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{VpcIds: []string{"vpc-0123"}})
			return err
		}, "InvalidVpcID.NotFound", "The vpc ID 'vpc-0123' does not exist"},
		{"no such subnet", func() error {
			_, err := client.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{SubnetIds: []string{"subnet-0123"}})
			return err
		}, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-0123' does not exist"},
		{"no such zone", func() error {
			_, err := client.DescribeAvailabilityZones(t.Context(), &sdk.DescribeAvailabilityZonesInput{ZoneNames: []string{"us-east-1x"}})
			return err
		}, "InvalidParameterValue", "Invalid availability zone: [us-east-1x]"},
		{"no such filter", func() error {
			_, err := client.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{Filters: []types.Filter{{Name: new("colour"), Values: []string{"red"}}}})
			return err
		}, "InvalidParameterValue", "The filter 'colour' is invalid"},
		{"a page that is not one", func() error {
			_, err := client.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{NextToken: new("x")})
			return err
		}, "InvalidNextToken", ""},
		{"dry run", func() error {
			_, err := client.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{DryRun: new(true)})
			return err
		}, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."},
	} {
		t.Run(c.name, func(t *testing.T) { wantCode(t, c.do(), c.code, c.text) })
	}
}

func TestDescribeInstances(t *testing.T) {
	e := newEndpoint(t)
	key, stranger := e.account(t), e.account(t)
	home := ec2.Scope{Account: key.Account, Region: "us-east-1"}
	var ids []string
	for n := range 6 {
		i, err := e.room.LaunchInstance(t.Context(), home, ec2.LaunchParams{
			Type: []string{"t3.medium", "m5.large"}[n%2], Zone: ec2.Zones("us-east-1")[n%3].Name, ImageID: "ami-0123456789abcdef0",
			Tags: []tag.Tag{{Key: "Name", Value: "node-" + string(rune('a'+n))}, {Key: "odd", Value: []string{"no", "yes"}[n%2]}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, i.ID)
	}
	for _, id := range ids[1:] {
		if err := e.room.SetState(t.Context(), home, id, ec2.Running); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.room.Terminate(t.Context(), home, ids[5]); err != nil {
		t.Fatal(err)
	}
	client := sdk.NewFromConfig(e.config(key))

	for _, c := range []struct {
		name, filter string
		values       []string
		want         []int
	}{
		{"by state", "instance-state-name", []string{"running"}, []int{1, 2, 3, 4}},
		{"by either state", "instance-state-name", []string{"pending", "terminated"}, []int{0, 5}},
		{"by type", "instance-type", []string{"m5.*"}, []int{1, 3, 5}},
		{"by zone", "availability-zone", []string{"us-east-1b"}, []int{1, 4}},
		{"by tag", "tag:odd", []string{"yes"}, []int{1, 3, 5}},
		{"by part of a tag", "tag:Name", []string{"node-?"}, []int{0, 1, 2, 3, 4, 5}},
		{"a literal star matches none", "tag:Name", []string{`node-\*`}, nil},
		{"by tag key", "tag-key", []string{"odd"}, []int{0, 1, 2, 3, 4, 5}},
		{"case counts", "tag-key", []string{"ODD"}, nil},
		{"by address", "private-ip-address", []string{"172.31.16.4"}, []int{1}},
		{"by id", "instance-id", []string{ids[3]}, []int{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{
				Filters: []types.Filter{{Name: &c.filter, Values: c.values}},
			})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, n := range c.want {
				want = append(want, ids[n])
			}
			got := idsOf(out)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}

	t.Run("pages", func(t *testing.T) {
		var all []string
		pager := sdk.NewDescribeInstancesPaginator(client, &sdk.DescribeInstancesInput{MaxResults: new(int32(5))})
		pages := 0
		for ; pager.HasMorePages(); pages++ {
			out, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, idsOf(out)...)
		}
		want := slices.Sorted(slices.Values(ids))
		if pages != 2 || !slices.Equal(all, want) {
			t.Errorf("%d pages with %v, want 2 with %v", pages, all, want)
		}
	})
	t.Run("shape", func(t *testing.T) {
		out, err := client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: ids[1:2]})
		if err != nil {
			t.Fatal(err)
		}
		r := out.Reservations[0]
		i := r.Instances[0]
		if !strings.HasPrefix(*r.ReservationId, "r-") || *r.OwnerId != key.Account || *i.State.Code != 16 || i.State.Name != "running" ||
			*i.Placement.AvailabilityZone != "us-east-1b" || *i.PrivateIpAddress != "172.31.16.4" ||
			*i.NetworkInterfaces[0].PrivateIpAddress != "172.31.16.4" || i.RootDeviceType != "" || *i.ImageId != "ami-0123456789abcdef0" {
			t.Errorf("instance is %+v in %+v", i, r)
		}
	})
	t.Run("a terminated one has no address", func(t *testing.T) {
		out, err := client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: ids[5:]})
		if err != nil {
			t.Fatal(err)
		}
		if i := out.Reservations[0].Instances[0]; i.PrivateIpAddress != nil || *i.State.Code != 48 {
			t.Errorf("terminated instance is %+v", i)
		}
	})

	for _, c := range []struct {
		name       string
		in         sdk.DescribeInstancesInput
		code, text string
	}{
		{"unknown id", sdk.DescribeInstancesInput{InstanceIds: []string{"i-0123456789abcdef0"}},
			"InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist"},
		{"unknown ids", sdk.DescribeInstancesInput{InstanceIds: []string{"i-0123456789abcdef0", "i-0123456789abcdef1", ids[0]}},
			"InvalidInstanceID.NotFound", "The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist"},
		{"not an id", sdk.DescribeInstancesInput{InstanceIds: []string{"i-xyz"}}, "InvalidInstanceID.Malformed", `Invalid id: "i-xyz"`},
		{"a short page", sdk.DescribeInstancesInput{MaxResults: new(int32(2))}, "InvalidParameterValue", "maxResults"},
		{"ids and pages", sdk.DescribeInstancesInput{MaxResults: new(int32(5)), InstanceIds: ids}, "InvalidParameterCombination", "maxResults"},
		{"no such filter", sdk.DescribeInstancesInput{Filters: []types.Filter{{Name: new("mood"), Values: []string{"*"}}}},
			"InvalidParameterValue", "The filter 'mood' is invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.DescribeInstances(t.Context(), &c.in)
			wantCode(t, err, c.code, c.text)
		})
	}
	t.Run("another account sees none", func(t *testing.T) {
		out, err := sdk.NewFromConfig(e.config(stranger)).DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
		if err != nil || len(out.Reservations) != 0 {
			t.Errorf("a stranger sees %v, %v", idsOf(out), err)
		}
	})
}

func idsOf(out *sdk.DescribeInstancesOutput) []string {
	var ids []string
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

// sdkConfig configures SDK clients that call url with the key and try once.
func sdkConfig(url, region string, key iam.AccessKey) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: iamtest.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, nil
		}),
	}
}
