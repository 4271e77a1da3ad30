package ecs

import "github.com/slipway/slipway/internal/store"

// Registration says which container instance a machine is in a cluster. A
// machine is an EC2 instance, or, outside EC2, one start of an agent, known by
// its client token. Registering reads and writes this record, so that two
// registrations of one machine cannot both stand.
type Registration struct {
	Scope
	Cluster     string `json:"cluster"`
	Machine     string `json:"machine"`
	Instance    string `json:"instance"` // container instance id
	ClientToken string `json:"clientToken,omitzero"`
}

// Key is the registration's store key.
func (g *Registration) Key() string { return g.Scope.Key(g.Cluster, g.Machine) }

// machineOf names the machine behind a request; "" when nothing tells it from
// others.
func machineOf(ec2InstanceID, token string) string {
	switch {
	case ec2InstanceID != "":
		return ec2InstanceID
	case token != "":
		return "token/" + token
	}
	return ""
}

// repeatedRegistration is a copy of the instance that an earlier try of the same
// request made, or nil.
func repeatedRegistration(tx *store.Tx, c *Cluster, ec2InstanceID string, req *RegisterInstanceRequest) *ContainerInstance {
	if req.ClientToken == "" {
		return nil
	}
	g, ok := Registrations.Get(tx, c.Scope.Key(c.Name, machineOf(ec2InstanceID, req.ClientToken)))
	if !ok || g.ClientToken != req.ClientToken {
		return nil
	}
	inst, ok := Instances.Get(tx, c.Scope.Key(c.Name, g.Instance))
	if !ok || inst.Status == StatusInactive {
		return nil
	}
	next := *inst
	return &next
}

// replaceRegistration notes that the machine is this instance now, and returns
// the instance that it was before, if it was another one: its agent lost its
// state, and nobody will ever report for it again.
func replaceRegistration(tx *store.Tx, inst *ContainerInstance, token string) *ContainerInstance {
	id := inst.EC2InstanceID
	if isExternal(id) {
		id = ""
	}
	machine := machineOf(id, token)
	if machine == "" {
		return nil
	}
	g := &Registration{Scope: inst.Scope, Cluster: inst.Cluster, Machine: machine, Instance: inst.ID, ClientToken: token}
	before, ok := Registrations.Get(tx, g.Key())
	if !ok || *before != *g {
		Registrations.Put(tx, g)
	}
	if !ok || before.Instance == inst.ID {
		return nil
	}
	lost, ok := Instances.Get(tx, inst.Scope.Key(inst.Cluster, before.Instance))
	if !ok || lost.Status == StatusInactive {
		return nil
	}
	return lost
}
