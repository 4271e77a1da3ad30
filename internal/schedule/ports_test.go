package schedule

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPorts holds the set against a map.
func TestPorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (Ports, map[uint16]bool) {
			list := rapid.SliceOf(rapid.OneOf(rapid.Uint16Range(0, 200), rapid.Uint16Range(65400, 65535))).Draw(t, label)
			set := map[uint16]bool{}
			for _, port := range list {
				set[port] = true
			}
			return PortsOf(list...), set
		}
		p, a := draw("p")
		q, b := draw("q")
		before := slices.Collect(p.All())
		union, minus, overlap := maps.Clone(a), maps.Clone(a), false
		for port := range b {
			union[port] = true
			delete(minus, port)
			overlap = overlap || a[port]
		}
		same(t, "p", p, a)
		same(t, "p ∪ q", p.Union(q), union)
		same(t, "p − q", p.Minus(q), minus)
		same(t, "p after the operations", p, a)
		if !slices.Equal(before, slices.Collect(p.All())) {
			t.Fatal("p has changed")
		}
		if p.Overlaps(q) != overlap || q.Overlaps(p) != overlap {
			t.Fatalf("Overlaps is %v, want %v", p.Overlaps(q), overlap)
		}
	})
}

func same(t *rapid.T, what string, p Ports, want map[uint16]bool) {
	got := slices.Collect(p.All())
	if !slices.Equal(got, slices.Sorted(maps.Keys(want))) || p.Len() != len(want) {
		t.Fatalf("%s is %v (Len %d), want %v", what, got, p.Len(), want)
	}
	for port := range uint16(256) {
		if p.Has(port) != want[port] {
			t.Fatalf("%s: Has(%d) is %v", what, port, p.Has(port))
		}
	}
}

func TestPortsAllStops(t *testing.T) {
	for port := range PortsOf(80, 443).All() {
		if port != 80 {
			t.Fatalf("went on to %d", port)
		}
		break
	}
}
