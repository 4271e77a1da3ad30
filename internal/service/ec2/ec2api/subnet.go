package ec2api

import (
	"context"
	"strconv"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// noTags is for records that can have tags and have none.
func noTags[T any](T) []tag.Tag { return nil }

func (a *api) subnetAttributes() attributes[*ec2.Subnet] {
	zone := one(func(n *ec2.Subnet) string { return n.Zone })
	zoneID := one(func(n *ec2.Subnet) string { return n.ZoneID })
	cidr := one(func(n *ec2.Subnet) string { return n.CIDR.String() })
	byDefault := one(func(n *ec2.Subnet) string { return boolean(n.Default) })
	return attributes[*ec2.Subnet]{
		"subnet-id":            one(func(n *ec2.Subnet) string { return n.ID }),
		"subnet-arn":           one(subnetARN),
		"vpc-id":               one(func(n *ec2.Subnet) string { return n.VPC }),
		"availability-zone":    zone,
		"availabilityZone":     zone,
		"availability-zone-id": zoneID,
		"availabilityZoneId":   zoneID,
		"cidr-block":           cidr,
		"cidr":                 cidr,
		"cidrBlock":            cidr,
		"default-for-az":       byDefault,
		"defaultForAz":         byDefault,
		"state":                one(func(*ec2.Subnet) string { return "available" }),
		"owner-id":             one(func(n *ec2.Subnet) string { return n.Account }),

		"map-public-ip-on-launch":    one(func(n *ec2.Subnet) string { return boolean(n.MapPublicIP) }),
		"available-ip-address-count": one(func(n *ec2.Subnet) string { return strconv.Itoa(a.room.FreeAddresses(n)) }),
	}
}

func (a *api) describeSubnets(ctx context.Context, call *wire.Call, in *ec2shape.DescribeSubnetsInput) (*ec2shape.DescribeSubnetsOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	all, err := a.room.Subnets(ctx, scope(call))
	if err != nil {
		return nil, err
	}
	list, missing := pick(all, in.SubnetIds, func(n *ec2.Subnet) string { return n.ID })
	if missing != nil {
		return nil, notFound("InvalidSubnetID.NotFound", "subnet", missing)
	}
	if list, err = a.subnetAttributes().keep(list, in.Filters, noTags); err != nil {
		return nil, err
	}
	key := func(n *ec2.Subnet) string { return n.Zone + "/" + n.ID } // the room's order
	list, next, err := cut(list, key, page.Scope("DescribeSubnets", call.Account, call.Region), in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &ec2shape.DescribeSubnetsOutput{Subnets: []ec2shape.Subnet{}, NextToken: next}
	for _, n := range list {
		out.Subnets = append(out.Subnets, a.subnetShape(n))
	}
	return out, nil
}

func (a *api) subnetShape(n *ec2.Subnet) ec2shape.Subnet {
	return ec2shape.Subnet{
		SubnetId: &n.ID, SubnetArn: new(subnetARN(n)), VpcId: &n.VPC, OwnerId: &n.Account,
		AvailabilityZone: &n.Zone, AvailabilityZoneId: &n.ZoneID, CidrBlock: new(n.CIDR.String()),
		AvailableIpAddressCount: new(int32(a.room.FreeAddresses(n))), DefaultForAz: &n.Default,
		MapPublicIpOnLaunch: &n.MapPublicIP, State: new("available"), Tags: []ec2shape.Tag{},
		AssignIpv6AddressOnCreation: new(false), MapCustomerOwnedIpOnLaunch: new(false),
		EnableDns64: new(false), Ipv6Native: new(false),
		Ipv6CidrBlockAssociationSet: []ec2shape.SubnetIpv6CidrBlockAssociation{},
	}
}

func subnetARN(n *ec2.Subnet) string {
	return arn.New("ec2", n.Region, n.Account, "subnet/"+n.ID).String()
}
