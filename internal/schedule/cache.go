package schedule

import (
	"encoding/binary"
	"math/rand/v2"
)

// plans keeps the plans of the shapes of request used last.
type plans struct {
	byShape map[string]*plan
	uses    uint64
	key     []byte // scratch
}

// Bounds of the cache: as many plans as together rank about planBudget instances (some 60 bytes each), within limits
// that keep small and very large fleets reasonable.
const (
	planBudget = 1 << 20
	minPlans   = 4
	maxPlans   = 1024
)

// planFor finds or makes the plan for a request, brought up to date.
func (f *Fleet) planFor(req *Request, chance *rand.Rand) (*plan, error) {
	if req.Only != nil {
		p, err := newPlan(req)
		if err != nil {
			return nil, err
		}
		p.rng = chance
		p.build(f)
		return p, nil
	}
	f.plans.key = appendShape(f.plans.key[:0], req)
	f.plans.uses++
	if p := f.plans.byShape[string(f.plans.key)]; p != nil {
		p.used, p.rng = f.plans.uses, chance
		p.catchUp(f)
		return p, nil
	}
	p, err := newPlan(req)
	if err != nil {
		return nil, err
	}
	p.used, p.rng = f.plans.uses, chance
	p.build(f)
	f.plans.keep(string(f.plans.key), p, len(f.slots))
	return p, nil
}

// keep adds a plan, in the place of the one unused for longest if there are enough.
func (c *plans) keep(shape string, p *plan, slots int) {
	if c.byShape == nil {
		c.byShape = map[string]*plan{}
	}
	if limit := min(max(planBudget/max(slots, 1), minPlans), maxPlans); len(c.byShape) >= limit {
		oldest, used := "", c.uses+1
		for shape, p := range c.byShape {
			if p.used < used {
				oldest, used = shape, p.used
			}
		}
		delete(c.byShape, oldest)
	}
	c.byShape[shape] = p
}

// appendShape appends everything of a request that a plan depends on, in an encoding that no two shapes share.
func appendShape(b []byte, req *Request) []byte {
	b = appendString(b, req.Group)
	n := &req.Need
	for _, amount := range []int64{n.CPU, n.Memory, n.GPU, n.ENI} {
		b = binary.AppendVarint(b, amount)
	}
	for _, ports := range []Ports{n.TCP, n.UDP} {
		b = binary.AppendUvarint(b, uint64(len(ports.words)))
		for _, w := range ports.words {
			b = binary.AppendUvarint(b, uint64(w.index))
			b = binary.AppendUvarint(b, w.bits)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(req.Required)))
	for _, a := range req.Required {
		b = appendString(appendString(b, a.Name), a.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(req.Zones)))
	for _, zone := range req.Zones {
		b = appendString(b, zone)
	}
	b = binary.AppendUvarint(b, uint64(len(req.Constraints)))
	for _, c := range req.Constraints {
		b = appendString(appendString(b, c.Type), c.Expression)
	}
	b = binary.AppendUvarint(b, uint64(len(req.Strategy)))
	for _, s := range req.Strategy {
		b = appendString(appendString(b, s.Type), s.Field)
	}
	if req.Service {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
