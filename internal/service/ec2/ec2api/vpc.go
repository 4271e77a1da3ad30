package ec2api

import (
	"context"

	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/wire"
)

var vpcAttributes = attributes[*ec2.VPC]{
	"vpc-id":     one(func(v *ec2.VPC) string { return v.ID }),
	"cidr":       one(func(v *ec2.VPC) string { return v.CIDR.String() }),
	"owner-id":   one(func(v *ec2.VPC) string { return v.Account }),
	"is-default": one(func(v *ec2.VPC) string { return boolean(v.Default) }),
	"isDefault":  one(func(v *ec2.VPC) string { return boolean(v.Default) }), // the older name; tools still use it
	"state":      one(func(*ec2.VPC) string { return "available" }),

	"cidr-block-association.cidr-block": one(func(v *ec2.VPC) string { return v.CIDR.String() }),
	"cidr-block-association.state":      one(func(*ec2.VPC) string { return "associated" }),
}

func (a *api) describeVpcs(ctx context.Context, call *wire.Call, in *ec2shape.DescribeVpcsInput) (*ec2shape.DescribeVpcsOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	all, err := a.room.VPCs(ctx, scope(call))
	if err != nil {
		return nil, err
	}
	id := func(v *ec2.VPC) string { return v.ID }
	list, missing := pick(all, in.VpcIds, id)
	if missing != nil {
		return nil, notFound("InvalidVpcID.NotFound", "vpc", missing)
	}
	if list, err = vpcAttributes.keep(list, in.Filters, noTags); err != nil {
		return nil, err
	}
	list, next, err := cut(list, id, page.Scope("DescribeVpcs", call.Account, call.Region), in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &ec2shape.DescribeVpcsOutput{Vpcs: []ec2shape.Vpc{}, NextToken: next}
	for _, v := range list {
		out.Vpcs = append(out.Vpcs, vpcShape(v))
	}
	return out, nil
}

func vpcShape(v *ec2.VPC) ec2shape.Vpc {
	return ec2shape.Vpc{
		VpcId: &v.ID, OwnerId: &v.Account, CidrBlock: new(v.CIDR.String()), IsDefault: &v.Default,
		State: new("available"), InstanceTenancy: new("default"), Tags: []ec2shape.Tag{},
		CidrBlockAssociationSet: []ec2shape.VpcCidrBlockAssociation{{
			AssociationId:  new("vpc-cidr-assoc-" + v.ID[len("vpc-"):]),
			CidrBlock:      new(v.CIDR.String()),
			CidrBlockState: &ec2shape.VpcCidrBlockState{State: new("associated")},
		}},
	}
}
