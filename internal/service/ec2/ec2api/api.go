// Package ec2api is the front door of EC2: it turns API requests into questions
// to the ec2 room and its records into API shapes.
//
// It promises AWS's filters, with wildcards, and AWS's error codes and texts. A
// filter that it does not know is refused, never ignored.
package ec2api

import (
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/wire"
)

// api holds what the handlers need.
type api struct {
	room *ec2.Room
}

// Register binds the operations of EC2 that are served.
func Register(mux *wire.Mux, room *ec2.Room) {
	a := &api{room: room}
	wire.Handle(mux, ec2shape.DescribeAvailabilityZones, a.describeAvailabilityZones)
	wire.Handle(mux, ec2shape.DescribeInstances, a.describeInstances)
	wire.Handle(mux, ec2shape.DescribeSubnets, a.describeSubnets)
	wire.Handle(mux, ec2shape.DescribeVpcs, a.describeVpcs)
}

func scope(call *wire.Call) ec2.Scope {
	return ec2.Scope{Account: call.Account, Region: call.Region}
}

// dryRun answers a request that only asks whether it would be allowed: whoever
// gets here is.
func dryRun(asked *bool) error {
	if asked == nil || !*asked {
		return nil
	}
	return &apierr.Error{
		Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412,
	}
}
