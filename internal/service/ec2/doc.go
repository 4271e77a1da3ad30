// Package ec2 is the room of the machines and the network that tasks run on:
// instances, the VPC with its subnets, and the addresses in them.
//
// It owns their records. It promises that each account has its default VPC with
// a subnet in three Availability Zones in each region, made at first use and
// kept; that no address of a subnet is given out twice; and that an instance
// only moves forward through its states and never comes back from terminated. It
// starts no machine: who makes instances (slipway up, Auto Scaling) asks for a
// record first, makes it real, and says so with SetState.
//
// It leaves out launching by API, volumes, images, security groups and VPCs of
// the user's own.
package ec2
