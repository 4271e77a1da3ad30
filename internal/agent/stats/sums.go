package stats

import (
	"math"

	"github.com/slipway/slipway/internal/agentproto"
)

// gauge sums up samples of a level.
type gauge struct{ set agentproto.StatsSet }

func (g *gauge) add(v float64) {
	if g.set.SampleCount == 0 {
		g.set.Min, g.set.Max = v, v
	}
	g.set.Min, g.set.Max = min(g.set.Min, v), max(g.set.Max, v)
	g.set.Sum += v
	g.set.SampleCount++
}

// stats is nil for no samples.
func (g *gauge) stats() *agentproto.StatsSet {
	if g.set.SampleCount == 0 {
		return nil
	}
	return new(g.set)
}

// counter sums up how far a counter went from sample to sample.
type counter struct {
	min, max, sum uint64
	samples       int
}

func (c *counter) add(v uint64) {
	if c.samples == 0 {
		c.min, c.max = v, v
	}
	c.min, c.max = min(c.min, v), max(c.max, v)
	c.samples++
	if c.sum += v; c.sum < v {
		c.sum = math.MaxUint64
	}
}

// stats is nil for no samples.
func (c *counter) stats() *agentproto.CounterSet {
	if c.samples == 0 {
		return nil
	}
	s := &agentproto.CounterSet{SampleCount: c.samples}
	s.Min, s.OverflowMin = overflow(c.min)
	s.Max, s.OverflowMax = overflow(c.max)
	s.Sum, s.OverflowSum = overflow(c.sum)
	return s
}

// overflow splits off what a signed number cannot hold.
func overflow(v uint64) (n, over int64) {
	if v <= math.MaxInt64 {
		return int64(v), 0
	}
	return math.MaxInt64, int64(min(v-math.MaxInt64, math.MaxInt64))
}
