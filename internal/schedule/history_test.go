package schedule

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestHistory drives a fleet through random histories and holds every decision against the reference: each placement
// must be among the best instances left, each refusal must be true and in order, and nothing is over-committed.
func TestHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 24).Draw(t, "instances")
		h := &history{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		for n := range size {
			h.ref.instances = append(h.ref.instances, drawInstance(t, n))
		}
		h.fleet = NewFleet(slices.Clone(h.ref.instances))
		h.shapes = rapid.SliceOfN(rapid.Custom(drawRequest), 1, 4).Draw(t, "shapes")
		t.Repeat(map[string]func(*rapid.T){
			"place":   h.place,
			"only":    h.placeOnly,
			"release": h.release,
			"upsert":  h.upsert,
			"remove":  h.remove,
			"":        h.check,
		})
	})
}

type history struct {
	ref    reference
	fleet  *Fleet
	rng    *rand.Rand
	shapes []Request
	placed []booking
}

type booking struct {
	instance string
	req      *Request
}

func (h *history) place(t *rapid.T) {
	req := rapid.SampledFrom(h.shapes).Draw(t, "shape")
	req.Count = rapid.IntRange(0, 6).Draw(t, "count")
	h.follow(t, &req)
}

func (h *history) placeOnly(t *rapid.T) {
	req := rapid.SampledFrom(h.shapes).Draw(t, "shape")
	req.Count = rapid.IntRange(0, 3).Draw(t, "count")
	req.Only = map[string]bool{"unknown": true}
	for i := range h.ref.instances {
		req.Only[h.ref.instances[i].ID] = rapid.Bool().Draw(t, "only")
	}
	h.follow(t, &req)
}

// follow places req and repeats each decision with the reference.
func (h *history) follow(t *rapid.T, req *Request) {
	result, err := h.fleet.Place(req, h.rng)
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range result.Placements {
		best := h.ref.best(req)
		if !slices.ContainsFunc(best, func(i *Instance) bool { return i.ID == p.Instance }) {
			t.Fatalf("placement %d of %+v went to %s, best are %v", n, req, p.Instance, ids(best))
		}
		h.ref.find(p.Instance).book(req)
		h.placed = append(h.placed, booking{p.Instance, req})
	}
	if len(result.Placements) == req.Count {
		if len(result.Refusals) > 0 {
			t.Fatalf("all placed, but refusals %v", result.Refusals)
		}
		return
	}
	if best := h.ref.best(req); len(best) > 0 {
		t.Fatalf("%+v: %d placed, but %v fit one more", req, len(result.Placements), ids(best))
	}
	h.explained(t, req, result.Refusals)
}

func (h *history) explained(t *rapid.T, req *Request, refusals []Refusal) {
	examined := h.ref.examined(req)
	if len(refusals) != len(examined) {
		t.Fatalf("%d refusals for %d instances", len(refusals), len(examined))
	}
	seen, before := map[string]bool{}, 1<<30
	for _, r := range refusals {
		want, passed := refused(h.ref.find(r.Instance), req)
		if r.Reason != want || seen[r.Instance] || passed > before {
			t.Fatalf("refusal %v of %v; want %s, passed %d after %d", r, refusals, want, passed, before)
		}
		seen[r.Instance], before = true, passed
	}
}

func (h *history) release(t *rapid.T) {
	if len(h.placed) == 0 {
		t.Skip("nothing placed")
	}
	n := rapid.IntRange(0, len(h.placed)-1).Draw(t, "task")
	b := h.placed[n]
	h.placed = slices.Delete(h.placed, n, n+1)
	h.fleet.Release(b.instance, b.req.Group, b.req.Need)
	h.ref.find(b.instance).unbook(b.req)
}

// upsert adds an instance, or changes one: its state always, its resources only if no task is on it.
func (h *history) upsert(t *rapid.T) {
	fresh := drawInstance(t, rapid.IntRange(0, 30).Draw(t, "number"))
	old := h.ref.find(fresh.ID)
	switch {
	case old == nil:
		h.ref.instances = append(h.ref.instances, fresh)
	case slices.ContainsFunc(h.placed, func(b booking) bool { return b.instance == fresh.ID }):
		fresh.Remaining, fresh.Groups = old.Remaining, old.Groups
		*old = fresh
	default:
		*old = fresh
	}
	h.fleet.Upsert(fresh)
}

func (h *history) remove(t *rapid.T) {
	id := instanceID(rapid.IntRange(0, 30).Draw(t, "number"))
	h.fleet.Remove(id)
	h.fleet.Release(id, "service:a", Need{CPU: 1})
	h.ref.instances = slices.DeleteFunc(h.ref.instances, func(i Instance) bool { return i.ID == id })
	h.placed = slices.DeleteFunc(h.placed, func(b booking) bool { return b.instance == id })
}

// check compares what the fleet knows with the reference, and looks for over-commitment.
func (h *history) check(t *rapid.T) {
	active := 0
	for i := range h.ref.instances {
		want := &h.ref.instances[i]
		got, ok := h.fleet.Instance(want.ID)
		if !ok {
			t.Fatalf("%s is not in the fleet", want.ID)
		}
		if want.Status == "ACTIVE" {
			active++
		}
		r, w := got.Remaining, want.Remaining
		if r.CPU != w.CPU || r.Memory != w.Memory || r.GPU != w.GPU || r.ENI != w.ENI ||
			!slices.Equal(slices.Collect(r.TCP.All()), slices.Collect(w.TCP.All())) ||
			!slices.Equal(slices.Collect(r.UDP.All()), slices.Collect(w.UDP.All())) {
			t.Fatalf("%s has left %+v, want %+v", want.ID, r, w)
		}
		if r.CPU < 0 || r.Memory < 0 || r.GPU < 0 || r.ENI < 0 {
			t.Fatalf("%s is over-committed: %+v", want.ID, r)
		}
		none := func(_ string, n int) bool { return n == 0 }
		g, wg := maps.Clone(got.Groups), maps.Clone(want.Groups)
		maps.DeleteFunc(g, none)
		maps.DeleteFunc(wg, none)
		if !maps.Equal(g, wg) {
			t.Fatalf("%s has groups %v, want %v", want.ID, g, wg)
		}
	}
	if h.fleet.Len() != len(h.ref.instances) || h.fleet.Active() != active {
		t.Fatalf("Len %d, Active %d; want %d, %d", h.fleet.Len(), h.fleet.Active(), len(h.ref.instances), active)
	}
}

func ids(instances []*Instance) []string {
	var all []string
	for _, i := range instances {
		all = append(all, i.ID)
	}
	return all
}

func instanceID(n int) string { return fmt.Sprintf("instance/%02d", n) }

func drawInstance(t *rapid.T, n int) Instance {
	often := func(label string) bool { return rapid.IntRange(0, 5).Draw(t, label) > 0 }
	i := Instance{
		ID: instanceID(n), Status: "ACTIVE", Connected: often("connected"), EC2InstanceID: fmt.Sprintf("i-%d", n),
		RunningTasks: rapid.IntRange(0, 3).Draw(t, "running"),
		Attributes:   map[string]string{"ssd": ""},
		Remaining: Resources{
			CPU:    rapid.Int64Range(0, 8).Draw(t, "cpu"),
			Memory: rapid.Int64Range(0, 8).Draw(t, "memory"),
			GPU:    rapid.Int64Range(0, 2).Draw(t, "gpu"),
			ENI:    rapid.Int64Range(0, 3).Draw(t, "eni"),
			TCP:    drawPorts(t, "tcp in use"), UDP: drawPorts(t, "udp in use"),
		},
	}
	if !often("active") {
		i.Status = rapid.SampledFrom([]string{"DRAINING", "REGISTERING"}).Draw(t, "status")
	}
	if often("zone") {
		i.Attributes[zoneAttribute] = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "az")
	}
	if often("rack") {
		i.Attributes["rack"] = rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "rack number")
	}
	for _, g := range []string{"service:a", "family:b"} {
		if !often(g) {
			if i.Groups == nil {
				i.Groups = map[string]int{}
			}
			i.Groups[g] = rapid.IntRange(1, 3).Draw(t, "tasks")
		}
	}
	return i
}

func drawPorts(t *rapid.T, label string) Ports {
	if rapid.IntRange(0, 3).Draw(t, label) > 0 {
		return Ports{}
	}
	return PortsOf(rapid.SliceOfN(rapid.SampledFrom([]uint16{22, 80, 81, 65535}), 1, 3).Draw(t, label)...)
}

func drawRequest(t *rapid.T) Request {
	seldom := func(label string) bool { return rapid.IntRange(0, 3).Draw(t, label) == 0 }
	req := Request{
		Group:   rapid.SampledFrom([]string{"service:a", "family:b"}).Draw(t, "group"),
		Service: rapid.Bool().Draw(t, "service"),
		Need: Need{
			CPU:    rapid.Int64Range(0, 3).Draw(t, "need cpu"),
			Memory: rapid.Int64Range(0, 3).Draw(t, "need memory"),
			TCP:    drawPorts(t, "need tcp"), UDP: drawPorts(t, "need udp"),
		},
		Strategy: rapid.SliceOfN(rapid.SampledFrom([]Strategy{
			{"random", ""},
			{"spread", "instanceId"},
			{"spread", "Host"},
			{"spread", "attribute:ecs.availability-zone"},
			{"spread", "attribute:rack"},
			{"binpack", "cpu"},
			{"binpack", "MEMORY"},
		}), 0, 5).Draw(t, "strategy"),
	}
	if seldom("need gpu") {
		req.Need.GPU = 1
	}
	if seldom("need eni") {
		req.Need.ENI = 1
	}
	if seldom("required") {
		req.Required = rapid.SliceOfN(rapid.SampledFrom([]Attribute{{"ssd", ""}, {"rack", ""}, {"rack", "1"}}), 1, 2).Draw(t, "attributes")
	}
	if seldom("zones") {
		req.Zones = []string{"a", "b"}
	}
	if seldom("distinct") {
		req.Constraints = append(req.Constraints, Constraint{Type: distinctInstance})
	}
	if seldom("memberOf") {
		for _, e := range rapid.SliceOfN(rapid.SampledFrom([]string{
			"attribute:rack != 2", "attribute:rack =~ [13] or attribute:ecs.availability-zone == a", "runningTasksCount < 3",
			"not(task:group == service:a)", "task:group exists", "ec2InstanceId !in [i-1, i-3] and attribute:ssd exists",
		}), 1, 2).Draw(t, "expressions") {
			req.Constraints = append(req.Constraints, Constraint{memberOf, e})
		}
	}
	return req
}
