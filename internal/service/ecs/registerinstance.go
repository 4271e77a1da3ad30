package ecs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// RegisterInstanceRequest is what an agent says of its machine.
type RegisterInstanceRequest struct {
	Cluster string
	// ARN is given by an agent that registered before and kept its state.
	ARN string
	// IdentityDocument is the EC2 instance identity document, JSON; empty for a
	// machine outside EC2.
	IdentityDocument string
	Attributes       []Attribute
	Total            Resources // ports: those that the machine keeps for itself
	Tags             []tag.Tag

	AgentVersion, AgentHash, DockerVersion string
	// ClientToken is the same over an agent's retries of one registration.
	ClientToken string
}

// identityDocument is the part of the EC2 instance identity document that counts.
type identityDocument struct {
	InstanceID       string `json:"instanceId"`
	InstanceType     string `json:"instanceType"`
	AvailabilityZone string `json:"availabilityZone"`
	ImageID          string `json:"imageId"`
}

// Names of built-in attributes.
const (
	attributeZone         = "ecs.availability-zone"
	attributeInstanceType = "ecs.instance-type"
	attributeImage        = "ecs.ami-id"
	attributeExternal     = "ecs.capability.external"
)

// RegisterInstance makes a machine a container instance of a cluster, or renews
// what is known of one. Every attribute that the agent sent is in the answer: an
// agent that misses one ends itself.
func (r *Room) RegisterInstance(ctx context.Context, s Scope, caller Caller, req RegisterInstanceRequest) (*ContainerInstance, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	var doc identityDocument
	if req.IdentityDocument != "" {
		if err := json.Unmarshal([]byte(req.IdentityDocument), &doc); err != nil {
			return nil, ErrClient("Instance identity document is not valid JSON.")
		}
	}
	if id := caller.Instance(); id != "" && doc.InstanceID != "" && id != doc.InstanceID {
		return nil, apierr.Client("AccessDeniedException", "User: %s is not authorized to register instance %s", caller.ARN, doc.InstanceID)
	}
	if err := tag.Check(nil, req.Tags); err != nil {
		return nil, ErrInvalidParameter("%s", err)
	}
	var inst, lost *ContainerInstance
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		c, err := activeCluster(tx, s, req.Cluster)
		if err != nil {
			return err
		}
		if inst, err = r.registered(tx, c, caller, &doc, &req); err != nil {
			return err
		}
		Instances.Put(tx, inst)
		if _, ok := Allocations.Get(tx, inst.Key()); !ok {
			Allocations.Put(tx, &Allocation{Scope: s, Cluster: c.Name, Instance: inst.ID})
		}
		if lost = replaceRegistration(tx, inst, req.ClientToken); lost != nil {
			Instances.Put(tx, lost.inactive())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if lost != nil {
		err = r.StopTasksOfInstance(ctx, s, lost.Cluster, lost.ID, StopHostTerminated(lost.EC2InstanceID))
	}
	return inst, err
}

// Bounds of what an agent says of its machine. The model has none for the
// attributes here; those of PutAttributes hold (Attribute of the API reference).
// Agents send some 60.
const (
	maxInstanceAttributes = 500
	maxAttributeText      = 128
	maxInstanceToken      = 64
	maxVersionText        = 128
	maxIdentityDocument   = 16 << 10
	maxReservedPorts      = 100 // service-quotas
)

func (req *RegisterInstanceRequest) check() error {
	switch {
	case len(req.Attributes) > maxInstanceAttributes:
		return ErrInvalidParameter("Attributes cannot have more than %d elements.", maxInstanceAttributes)
	case len(req.ClientToken) > maxInstanceToken:
		return ErrInvalidParameter("clientToken should have at most %d characters.", maxInstanceToken)
	case len(req.IdentityDocument) > maxIdentityDocument:
		return ErrInvalidParameter("instanceIdentityDocument should have at most %d characters.", maxIdentityDocument)
	case len(req.Total.TCP)+len(req.Total.UDP) > maxReservedPorts:
		return ErrInvalidParameter("A container instance can have at most %d reserved ports.", maxReservedPorts)
	}
	for _, version := range []string{req.AgentVersion, req.AgentHash, req.DockerVersion} {
		if len(version) > maxVersionText {
			return ErrInvalidParameter("Version information should have at most %d characters.", maxVersionText)
		}
	}
	for _, a := range req.Attributes {
		switch {
		case a.Name == "" || utf8.RuneCountInString(a.Name) > maxAttributeText:
			return errAttributeName(clip(a.Name, maxAttributeText))
		case utf8.RuneCountInString(a.Value) > maxAttributeText:
			return ErrInvalidParameter("Invalid attribute value: %s", clip(a.Value, maxAttributeText))
		}
	}
	return nil
}

// registered is the record of the instance after the registration.
func (r *Room) registered(tx *store.Tx, c *Cluster, caller Caller, doc *identityDocument, req *RegisterInstanceRequest) (*ContainerInstance, error) {
	inst := repeatedRegistration(tx, c, doc.InstanceID, req)
	if req.ARN != "" {
		known, err := knownInstance(tx, c, caller, doc, req.ARN)
		if err != nil {
			return nil, err
		}
		inst = known
	}
	if inst == nil {
		inst = &ContainerInstance{
			Scope: c.Scope, Cluster: c.Name, ID: newInstanceID(), EC2InstanceID: cmp.Or(doc.InstanceID, newExternalID()),
			Status: StatusActive, RegisteredAt: apiNow(), Tags: req.Tags,
		}
	}
	inst.Version++
	// The agent has just begun: whatever socket it had is gone.
	inst.AgentConnected, inst.Connection, inst.ClientToken = false, "", req.ClientToken
	inst.AgentVersion, inst.AgentHash, inst.DockerVersion = req.AgentVersion, req.AgentHash, req.DockerVersion
	inst.Registered = req.Total
	inst.Attributes = r.attributesOf(inst, doc, req.Attributes)
	return inst, nil
}

// knownInstance is a copy of the instance that an agent says it is. A machine can
// change neither its cluster nor its type, nor become another one
// (container-instance registration).
func knownInstance(tx *store.Tx, c *Cluster, caller Caller, doc *identityDocument, ref string) (*ContainerInstance, error) {
	id, err := instanceID(c, ref)
	if err != nil {
		return nil, ErrClient("Container instance cluster changes are not supported.")
	}
	known, ok := Instances.Get(tx, c.Scope.Key(c.Name, id))
	if !ok || known.Status == StatusInactive {
		return nil, ErrClient("The container instance %s is not registered or has been deregistered.", ref)
	}
	if was, ok := known.Attribute(attributeInstanceType); ok && doc.InstanceType != "" && was != doc.InstanceType {
		return nil, ErrClient("Container instance type changes are not supported.")
	}
	if doc.InstanceID != "" && doc.InstanceID != known.EC2InstanceID || !caller.MaySpeakFor(known) {
		return nil, ErrClient("The container instance %s is registered by another EC2 instance.", ref)
	}
	next := *known
	return &next, nil
}

// attributesOf are the attributes as sent, the built-in ones that we know, and
// the custom ones that a user has put since.
func (r *Room) attributesOf(inst *ContainerInstance, doc *identityDocument, sent []Attribute) []Attribute {
	out := slices.Clone(sent)
	for i := range out {
		out[i].Custom = !builtIn(out[i].Name)
	}
	add := func(a Attribute) {
		if a.Value == "" && !a.Custom {
			return
		}
		if !slices.ContainsFunc(out, func(o Attribute) bool { return o.Name == a.Name }) {
			out = append(out, a)
		}
	}
	zone := doc.AvailabilityZone
	if r.cfg.Zone != nil && doc.InstanceID != "" {
		if known := r.cfg.Zone(inst.Scope, doc.InstanceID); known != "" {
			zone = known
		}
	}
	add(Attribute{Name: attributeZone, Value: zone})
	add(Attribute{Name: attributeInstanceType, Value: doc.InstanceType})
	add(Attribute{Name: attributeImage, Value: doc.ImageID})
	for _, a := range inst.Attributes {
		if a.Custom {
			add(a)
		}
	}
	return out
}

func (i *ContainerInstance) inactive() *ContainerInstance {
	next := *i
	next.Status, next.AgentConnected, next.DeregisteredAt = StatusInactive, false, apiNow()
	next.Version++
	return &next
}

func newInstanceID() string { return randomHex(16) }

// newExternalID is the id of a machine outside EC2, as SSM gives them.
func newExternalID() string { return externalPrefix + randomHex(9)[:17] }

const externalPrefix = "mi-"

func isExternal(id string) bool { return strings.HasPrefix(id, externalPrefix) }

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}
