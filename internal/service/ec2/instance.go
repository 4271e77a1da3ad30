package ec2

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Instance is a machine, or a slice of one.
type Instance struct {
	Scope
	ID           string     `json:"id"`          // i- and 17 hexadecimal digits
	Reservation  string     `json:"reservation"` // r-…: of the launch that made it
	Type         string     `json:"type"`
	ImageID      string     `json:"imageId,omitempty"`
	Zone         string     `json:"zone"`
	Subnet       string     `json:"subnet"`
	VPC          string     `json:"vpc"`
	Interface    string     `json:"interface"` // eni-…: its primary network interface
	MAC          string     `json:"mac"`
	PrivateIP    netip.Addr `json:"privateIp"` // the last it had, once it is terminated
	PrivateDNS   string     `json:"privateDns"`
	State        State      `json:"state"`
	LaunchedAt   time.Time  `json:"launchedAt"`
	TerminatedAt time.Time  `json:"terminatedAt,omitzero"`
	Tags         []tag.Tag  `json:"tags,omitempty"`
}

// Key is the record's store key.
func (i *Instance) Key() string { return i.Scope.Key(i.ID) }

// terminatedKept is how long a terminated instance is still shown. AWS: "visible
// for a short while", about an hour.
const terminatedKept = time.Hour

func (i *Instance) forgotten(now time.Time) bool {
	return i.State == Terminated && now.Sub(i.TerminatedAt) > terminatedKept
}

// LaunchParams says which instance is wanted.
type LaunchParams struct {
	Type    string
	Zone    string // us-east-1a; "" if Subnet is given
	Subnet  string // "": the default subnet of Zone
	ImageID string
	Tags    []tag.Tag
}

// LaunchInstance makes the record of a pending instance with an address in its
// subnet. The caller makes the machine and reports it with SetState.
func (r *Room) LaunchInstance(ctx context.Context, s Scope, p LaunchParams) (*Instance, error) {
	if _, ok := InstanceType(p.Type); !ok {
		return nil, &TypeError{Type: p.Type}
	}
	if _, err := r.DefaultVPC(ctx, s); err != nil {
		return nil, err
	}
	var made *Instance
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		forget(tx, s, time.Now())
		subnet, err := p.subnet(tx, s)
		if err != nil {
			return err
		}
		made, err = launch(tx, subnet, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("launch %s: %w", p.Type, err)
	}
	return made, nil
}

func (p *LaunchParams) subnet(tx *store.Tx, s Scope) (*Subnet, error) {
	if p.Subnet == "" {
		if n, ok := zoneSubnet(Subnets.List(tx, s.Prefix()), p.Zone); ok {
			return n, nil
		}
		return nil, &NotFoundError{Kind: "zone", IDs: []string{p.Zone}}
	}
	n, ok := Subnets.Get(tx, s.Key(p.Subnet))
	if !ok || p.Zone != "" && p.Zone != n.Zone {
		return nil, &NotFoundError{Kind: "subnet", IDs: []string{p.Subnet}}
	}
	return n, nil
}

func launch(tx *store.Tx, subnet *Subnet, p LaunchParams) (*Instance, error) {
	i := &Instance{
		Scope: subnet.Scope, ID: newID("i"), Reservation: newID("r"), Type: p.Type, ImageID: p.ImageID,
		Zone: subnet.Zone, Subnet: subnet.ID, VPC: subnet.VPC, Interface: newID("eni"), MAC: newMAC(),
		State: Pending, LaunchedAt: time.Now().UTC().Truncate(time.Second), Tags: slices.Clone(p.Tags),
	}
	ip, err := claimAddress(tx, subnet, i.ID)
	if err != nil {
		return nil, err
	}
	i.PrivateIP, i.PrivateDNS = ip, privateDNS(ip, subnet.Region)
	Instances.Put(tx, i)
	return i, nil
}

// forget removes what is no longer shown.
func forget(tx *store.Tx, s Scope, now time.Time) {
	for i := range Instances.List(tx, s.Prefix()) {
		if i.forgotten(now) {
			Instances.Delete(tx, i.Key())
		}
	}
}

// SetState says what became of an instance. Saying what is so already changes
// nothing; going back is refused with a *StateError. Stopped instances keep
// their address, terminated ones lose it.
func (r *Room) SetState(ctx context.Context, s Scope, id string, to State) error {
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		i, ok := Instances.Get(tx, s.Key(id))
		if !ok {
			return &NotFoundError{Kind: "instance", IDs: []string{id}}
		}
		if i.State == to {
			return nil
		}
		if !slices.Contains(next[i.State], to) {
			return &StateError{ID: id, From: i.State, To: to}
		}
		changed := *i
		changed.enter(tx, to)
		Instances.Put(tx, &changed)
		return nil
	})
	if err != nil {
		return fmt.Errorf("set state of %s: %w", id, err)
	}
	return nil
}

func (i *Instance) enter(tx *store.Tx, to State) {
	now := time.Now().UTC().Truncate(time.Second)
	switch to {
	case Pending: // started again
		i.LaunchedAt = now
	case Terminated:
		i.TerminatedAt = now
		releaseAddress(tx, i.Scope, i.Subnet, i.PrivateIP)
	}
	i.State = to
}

// Terminate ends an instance whose machine is gone. Ending it twice is no error.
func (r *Room) Terminate(ctx context.Context, s Scope, id string) error {
	return r.SetState(ctx, s, id, Terminated)
}

// Instance returns one instance.
func (r *Room) Instance(s Scope, id string) (*Instance, bool) {
	i, ok := Instances.Get(r.st.Snapshot(), s.Key(id))
	if !ok || i.forgotten(time.Now()) {
		return nil, false
	}
	return i, true
}

// Instances returns the scope's instances in the order of their ids, those that
// were terminated in the last hour included. The records are shared: read only.
func (r *Room) Instances(s Scope) []*Instance {
	now := time.Now()
	var all []*Instance
	for i := range Instances.List(r.st.Snapshot(), s.Prefix()) {
		if !i.forgotten(now) {
			all = append(all, i)
		}
	}
	return all
}

// privateDNS is the name that EC2 gives an address ("IP name").
func privateDNS(ip netip.Addr, region string) string {
	domain := region + ".compute.internal"
	if region == "us-east-1" {
		domain = "ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(ip.String(), ".", "-") + "." + domain
}

// newMAC returns a random address that is marked as locally administered.
func newMAC() string {
	b := make([]byte, 5)
	rand.Read(b) // never fails: it ends the program instead
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4])
}
