package ec2api

import (
	"context"
	"strconv"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (a *api) describeInstances(_ context.Context, call *wire.Call, in *ec2shape.DescribeInstancesInput) (*ec2shape.DescribeInstancesOutput, error) {
	if err := checkDescribeInstances(in); err != nil {
		return nil, err
	}
	id := func(i *ec2.Instance) string { return i.ID }
	list, missing := pick(a.room.Instances(scope(call)), in.InstanceIds, id)
	if missing != nil {
		return nil, notFound("InvalidInstanceID.NotFound", "instance", missing)
	}
	list, err := instanceAttributes.keep(list, in.Filters, func(i *ec2.Instance) []tag.Tag { return i.Tags })
	if err != nil {
		return nil, err
	}
	list, next, err := cut(list, id, page.Scope("DescribeInstances", call.Account, call.Region), in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &ec2shape.DescribeInstancesOutput{Reservations: []ec2shape.Reservation{}, NextToken: next}
	for _, i := range list {
		out.Reservations = append(out.Reservations, ec2shape.Reservation{
			ReservationId: &i.Reservation, OwnerId: &i.Account, Groups: []ec2shape.GroupIdentifier{},
			Instances: []ec2shape.Instance{instanceShape(i)},
		})
	}
	return out, nil
}

// checkDescribeInstances refuses what the model allows and EC2 does not.
func checkDescribeInstances(in *ec2shape.DescribeInstancesInput) error {
	if err := dryRun(in.DryRun); err != nil {
		return err
	}
	if n := in.MaxResults; n != nil {
		switch {
		case len(in.InstanceIds) > 0:
			return apierr.Client("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
		case *n < 5:
			return apierr.Client("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 5.", *n)
		case *n > 1000:
			return apierr.Client("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value less than 1000.", *n)
		}
	}
	return checkInstanceIDs(in.InstanceIds)
}

var instanceAttributes = attributes[*ec2.Instance]{
	"instance-id":         one(func(i *ec2.Instance) string { return i.ID }),
	"instance-type":       one(func(i *ec2.Instance) string { return i.Type }),
	"instance-state-name": one(func(i *ec2.Instance) string { return string(i.State) }),
	"instance-state-code": one(func(i *ec2.Instance) string { return strconv.Itoa(int(stateCodes[i.State])) }),
	"availability-zone":   one(func(i *ec2.Instance) string { return i.Zone }),
	"vpc-id":              present(func(i *ec2.Instance) string { return i.VPC }),
	"subnet-id":           present(func(i *ec2.Instance) string { return i.Subnet }),
	"private-ip-address":  present(func(i *ec2.Instance) string { return i.PrivateIP.String() }),
	"private-dns-name":    present(func(i *ec2.Instance) string { return i.PrivateDNS }),
	"image-id":            one(func(i *ec2.Instance) string { return i.ImageID }),
	"reservation-id":      one(func(i *ec2.Instance) string { return i.Reservation }),
	"owner-id":            one(func(i *ec2.Instance) string { return i.Account }),
	"architecture":        one(func(*ec2.Instance) string { return architecture }),
	"tenancy":             one(func(*ec2.Instance) string { return "default" }),
	"virtualization-type": one(func(*ec2.Instance) string { return "hvm" }),

	"network-interface.network-interface-id": present(func(i *ec2.Instance) string { return i.Interface }),
	"network-interface.subnet-id":            present(func(i *ec2.Instance) string { return i.Subnet }),
	"network-interface.vpc-id":               present(func(i *ec2.Instance) string { return i.VPC }),

	"network-interface.addresses.private-ip-address": present(func(i *ec2.Instance) string { return i.PrivateIP.String() }),
}

// present makes an attribute that a terminated instance has lost.
func present(value func(*ec2.Instance) string) func(*ec2.Instance) []string {
	return func(i *ec2.Instance) []string {
		if i.State == ec2.Terminated {
			return nil
		}
		return []string{value(i)}
	}
}

// architecture of all types that the room knows.
const architecture = "x86_64"

var stateCodes = map[ec2.State]int32{
	ec2.Pending: 0, ec2.Running: 16, ec2.ShuttingDown: 32, ec2.Terminated: 48, ec2.Stopping: 64, ec2.Stopped: 80,
}

func instanceShape(i *ec2.Instance) ec2shape.Instance {
	out := ec2shape.Instance{
		InstanceId: &i.ID, InstanceType: &i.Type, AmiLaunchIndex: new(int32(0)), Architecture: new(architecture),
		LaunchTime: shape.At(i.LaunchedAt), State: &ec2shape.InstanceState{Code: new(stateCodes[i.State]), Name: new(string(i.State))},
		Placement:  &ec2shape.Placement{AvailabilityZone: &i.Zone, GroupName: new(""), Tenancy: new("default")},
		Monitoring: &ec2shape.Monitoring{State: new("disabled")}, VirtualizationType: new("hvm"),
		PrivateDnsName: new(""), PublicDnsName: new(""), StateTransitionReason: new(""),
		Tags: tagShapes(i.Tags), SecurityGroups: []ec2shape.GroupIdentifier{}, ProductCodes: []ec2shape.ProductCode{},
		BlockDeviceMappings: []ec2shape.InstanceBlockDeviceMapping{}, NetworkInterfaces: []ec2shape.InstanceNetworkInterface{},
	}
	if i.ImageID != "" {
		out.ImageId = &i.ImageID
	}
	if t, ok := ec2.InstanceType(i.Type); ok {
		out.CpuOptions = cpuOptions(t)
	}
	if i.State != ec2.Terminated {
		out.VpcId, out.SubnetId, out.SourceDestCheck = &i.VPC, &i.Subnet, new(true)
		out.PrivateIpAddress, out.PrivateDnsName = new(i.PrivateIP.String()), &i.PrivateDNS
		out.NetworkInterfaces = append(out.NetworkInterfaces, interfaceShape(i))
	}
	return out
}

// cpuOptions of a type: two threads per core from two vCPUs up.
func cpuOptions(t ec2.TypeSpec) *ec2shape.CpuOptions {
	threads := min(2, t.VCPUs)
	return &ec2shape.CpuOptions{CoreCount: new(int32(t.VCPUs / threads)), ThreadsPerCore: new(int32(threads))}
}

func interfaceShape(i *ec2.Instance) ec2shape.InstanceNetworkInterface {
	address := i.PrivateIP.String()
	return ec2shape.InstanceNetworkInterface{
		NetworkInterfaceId: &i.Interface, MacAddress: &i.MAC, OwnerId: &i.Account, Status: new("in-use"),
		SubnetId: &i.Subnet, VpcId: &i.VPC, Description: new(""), InterfaceType: new("interface"), SourceDestCheck: new(true),
		PrivateIpAddress: &address, PrivateDnsName: &i.PrivateDNS, Groups: []ec2shape.GroupIdentifier{},
		PrivateIpAddresses: []ec2shape.InstancePrivateIpAddress{{
			Primary: new(true), PrivateIpAddress: &address, PrivateDnsName: &i.PrivateDNS,
		}},
		Attachment: &ec2shape.InstanceNetworkInterfaceAttachment{
			AttachTime: shape.At(i.LaunchedAt), DeleteOnTermination: new(true), DeviceIndex: new(int32(0)),
			NetworkCardIndex: new(int32(0)), Status: new("attached"),
		},
	}
}

func tagShapes(tags []tag.Tag) []ec2shape.Tag {
	out := make([]ec2shape.Tag, 0, len(tags))
	for _, t := range tags {
		out = append(out, ec2shape.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out
}
