package schedule

import (
	"fmt"
	"maps"
	"testing"
)

// TestClassesAreShared: instances with the same attributes share a class, and a class goes with its last instance.
func TestClassesAreShared(t *testing.T) {
	instances := fleetOf(120)
	f := NewFleet(instances)
	distinct := map[*class]int{}
	for i := range f.slots {
		distinct[f.slots[i].class]++
	}
	if len(distinct) != 12 { // 3 zones × 4 types
		t.Fatalf("%d classes for 12 sets of attributes", len(distinct))
	}
	for k, n := range distinct {
		if k.instances != n {
			t.Errorf("a class of %d instances counts %d", n, k.instances)
		}
	}
	changed := instances[0]
	changed.Attributes = maps.Clone(changed.Attributes)
	changed.Attributes["stack"] = "prod"
	f.Upsert(changed)
	if k := f.slots[0].class; k == f.slots[12].class || k.instances != 1 {
		t.Error("an instance with one attribute more is in the old class")
	}
	f.Upsert(instances[0])
	if f.slots[0].class != f.slots[12].class {
		t.Error("an instance that lost its difference is in a class of its own")
	}
	for i := range instances {
		f.Remove(instances[i].ID)
	}
	if len(f.classes.byHash) != 0 || len(f.classes.free) != int(f.classes.next) || f.Len() != 0 || f.Active() != 0 {
		t.Errorf("an empty fleet has %d classes, %d of %d numbers free", len(f.classes.byHash), len(f.classes.free), f.classes.next)
	}
}

// TestNewFleetTwice: of two instances with one id the later counts.
func TestNewFleetTwice(t *testing.T) {
	f := NewFleet([]Instance{machine("a", "1"), machine("a", "2")})
	if got, _ := f.Instance("a"); f.Len() != 1 || f.Active() != 1 || got.Attributes[zoneAttribute] != "2" {
		t.Errorf("Len %d, Active %d, %v", f.Len(), f.Active(), got.Attributes)
	}
}

// TestPlansCatchUp: a plan that fell behind further than the journal reaches starts over, and sees the fleet as it is.
func TestPlansCatchUp(t *testing.T) {
	f := NewFleet([]Instance{machine("a", "1"), machine("b", "2")})
	req := Request{Group: "service:x", Count: 1, Service: true, Need: Need{CPU: 4096}}
	other := Request{Group: "family:y", Count: 1, Need: Need{Memory: 1}}
	place := func(req *Request) string {
		t.Helper()
		result, err := f.Place(req, nil)
		if err != nil || len(result.Placements) != 1 {
			t.Fatalf("%+v, %v", result, err)
		}
		return result.Placements[0].Instance
	}
	first := place(&req)
	for range journalLimit {
		f.Release(place(&other), other.Group, other.Need)
	}
	if len(f.changes.slots) > journalLimit {
		t.Errorf("the journal holds %d changes", len(f.changes.slots))
	}
	if second := place(&req); second == first {
		t.Errorf("both tasks went to %s", first)
	}
}

// TestPlansAreBounded: the cache drops the plans unused for longest, and a dropped plan is made anew.
func TestPlansAreBounded(t *testing.T) {
	f := NewFleet([]Instance{machine("a", "1", left(1<<40, 1<<40))})
	for n := range maxPlans + 10 {
		req := Request{Group: fmt.Sprintf("service:%d", n), Count: 1, Need: Need{CPU: 1}}
		if result, err := f.Place(&req, nil); err != nil || len(result.Placements) != 1 {
			t.Fatalf("%d: %+v, %v", n, result, err)
		}
	}
	if got := len(f.plans.byShape); got != maxPlans {
		t.Errorf("%d plans, want %d", got, maxPlans)
	}
	oldest, newest := Request{Group: "service:0", Need: Need{CPU: 1}}, Request{Group: fmt.Sprintf("service:%d", maxPlans+9), Need: Need{CPU: 1}}
	if f.plans.byShape[string(appendShape(nil, &oldest))] != nil || f.plans.byShape[string(appendShape(nil, &newest))] == nil {
		t.Error("the cache dropped a younger plan before an older one")
	}
}
