package ec2api

import (
	"context"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) describeAvailabilityZones(_ context.Context, call *wire.Call, in *ec2shape.DescribeAvailabilityZonesInput) (*ec2shape.DescribeAvailabilityZonesOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	zones := ec2.Zones(call.Region)
	list, missing := pick(zones[:], in.ZoneNames, func(z ec2.Zone) string { return z.Name })
	if missing != nil {
		return nil, apierr.Client("InvalidParameterValue", "Invalid availability zone: [%s]", strings.Join(missing, ", "))
	}
	list, missing = pick(list, in.ZoneIds, func(z ec2.Zone) string { return z.ID })
	if missing != nil {
		return nil, apierr.Client("InvalidParameterValue", "Invalid availability zone-id: [%s]", strings.Join(missing, ", "))
	}
	list, err := zoneAttributes(call.Region).keep(list, in.Filters, nil)
	if err != nil {
		return nil, err
	}
	out := &ec2shape.DescribeAvailabilityZonesOutput{AvailabilityZones: []ec2shape.AvailabilityZone{}}
	for _, z := range list {
		out.AvailabilityZones = append(out.AvailabilityZones, ec2shape.AvailabilityZone{
			ZoneName: &z.Name, ZoneId: &z.ID, RegionName: &call.Region, GroupName: new(call.Region + "-zg-1"),
			State: new("available"), ZoneType: new("availability-zone"), OptInStatus: new("opt-in-not-required"),
			NetworkBorderGroup: &call.Region, Messages: []ec2shape.AvailabilityZoneMessage{},
		})
	}
	return out, nil
}

func zoneAttributes(region string) attributes[ec2.Zone] {
	always := func(value string) func(ec2.Zone) []string {
		return func(ec2.Zone) []string { return []string{value} }
	}
	return attributes[ec2.Zone]{
		"zone-name":            one(func(z ec2.Zone) string { return z.Name }),
		"zone-id":              one(func(z ec2.Zone) string { return z.ID }),
		"region-name":          always(region),
		"group-name":           always(region + "-zg-1"),
		"network-border-group": always(region),
		"state":                always("available"),
		"zone-type":            always("availability-zone"),
		"opt-in-status":        always("opt-in-not-required"),
	}
}
