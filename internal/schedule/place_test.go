package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// machine makes an ACTIVE, connected instance with 4 vCPU and 8 GiB in a zone.
func machine(id, zone string, change ...func(*Instance)) Instance {
	all := Resources{CPU: 4096, Memory: 8192, GPU: 0, ENI: 3, TCP: PortsOf(22, 2375, 2376, 51678, 51679, 51680)}
	i := Instance{
		ID: id, Status: "ACTIVE", Connected: true, Attributes: map[string]string{zoneAttribute: zone, "ecs.os-type": "linux"},
		Registered: all, Remaining: all,
	}
	for _, c := range change {
		c(&i)
	}
	return i
}

func left(cpu, memory int64) func(*Instance) {
	return func(i *Instance) { i.Remaining.CPU, i.Remaining.Memory = cpu, memory }
}

func holding(group string, tasks int) func(*Instance) {
	return func(i *Instance) {
		if i.Groups == nil {
			i.Groups = map[string]int{}
		}
		i.Groups[group] = tasks
	}
}

func with(name, value string) func(*Instance) {
	return func(i *Instance) { i.Attributes[name] = value }
}

// Each row names what it is about: a step of placement and a rule or a choice of it (developer guide, task-placement,
// task-placement-strategies, task-placement-constraints), or the failures of RunTask (api_failures_messages).
func TestPlaceDocumented(t *testing.T) {
	down := func(i *Instance) { i.Connected = false }
	draining := func(i *Instance) { i.Status = "DRAINING" }
	small := Need{CPU: 256, Memory: 512}
	tests := []struct {
		row       string
		instances []Instance
		req       Request
		want      []string // in order; several that may come first are told apart by the tests of properties
		refusals  []Refusal
	}{
		{
			"step 0: no instances at all", nil, Request{Count: 1}, nil, nil,
		}, {
			"step 0: only instances that are not ACTIVE", []Instance{machine("a", "1", draining)}, Request{Count: 1}, nil, nil,
		}, {
			"step 0: a draining instance takes nothing and explains nothing",
			[]Instance{machine("a", "1", draining), machine("b", "1", left(0, 8192))},
			Request{Count: 1, Need: small}, nil,
			[]Refusal{{"b", "RESOURCE:CPU"}},
		}, {
			"step 0: AGENT", []Instance{machine("a", "1", down)}, Request{Count: 1}, nil, []Refusal{{"a", "AGENT"}},
		}, {
			"step 0: only the instances of a capacity provider",
			[]Instance{machine("a", "1"), machine("b", "1", left(0, 0))},
			Request{Count: 1, Need: small, Only: map[string]bool{"b": true}}, nil,
			[]Refusal{{"b", "RESOURCE:CPU"}},
		}, {
			"step 1: CPU", []Instance{machine("a", "1", left(511, 8192))}, Request{Count: 1, Need: Need{CPU: 512}}, nil,
			[]Refusal{{"a", "RESOURCE:CPU"}},
		}, {
			"step 1: MEMORY", []Instance{machine("a", "1", left(512, 511))}, Request{Count: 1, Need: Need{CPU: 512, Memory: 512}}, nil,
			[]Refusal{{"a", "RESOURCE:MEMORY"}},
		}, {
			"step 1: an exact fit", []Instance{machine("a", "1", left(512, 512))}, Request{Count: 2, Need: Need{CPU: 512, Memory: 512}},
			[]string{"a"},
			[]Refusal{{"a", "RESOURCE:CPU"}},
		}, {
			"step 1: PORTS", []Instance{machine("a", "1")}, Request{Count: 2, Need: Need{TCP: PortsOf(8080)}},
			[]string{"a"},
			[]Refusal{{"a", "RESOURCE:PORTS"}},
		}, {
			"step 1: PORTS, reserved", []Instance{machine("a", "1")}, Request{Count: 1, Need: Need{TCP: PortsOf(22)}}, nil,
			[]Refusal{{"a", "RESOURCE:PORTS"}},
		}, {
			"step 1: PORTS_UDP is another set", []Instance{machine("a", "1")}, Request{Count: 2, Need: Need{UDP: PortsOf(22)}},
			[]string{"a"},
			[]Refusal{{"a", "RESOURCE:PORTS"}},
		}, {
			"step 1: GPU", []Instance{machine("a", "1")}, Request{Count: 1, Need: Need{GPU: 1}}, nil,
			[]Refusal{{"a", "RESOURCE:GPU"}},
		}, {
			"step 1: ENI slots", []Instance{machine("a", "1")}, Request{Count: 4, Need: Need{ENI: 1}},
			[]string{"a", "a", "a"},
			[]Refusal{{"a", "RESOURCE:ENI"}},
		}, {
			"step 2: ATTRIBUTE missing", []Instance{machine("a", "1")},
			Request{Count: 1, Required: []Attribute{{Name: "com.amazonaws.ecs.capability.logging-driver.awslogs"}}}, nil,
			[]Refusal{{"a", "ATTRIBUTE"}},
		}, {
			"step 2: ATTRIBUTE with another value", []Instance{machine("a", "1")},
			Request{Count: 1, Required: []Attribute{{"ecs.os-type", "windows"}}}, nil,
			[]Refusal{{"a", "ATTRIBUTE"}},
		}, {
			"step 2: ATTRIBUTE there", []Instance{machine("a", "1", with("x", ""))},
			Request{Count: 1, Required: []Attribute{{"ecs.os-type", "linux"}, {"x", ""}}},
			[]string{"a"}, nil,
		}, {
			"step 2: LOCATION", []Instance{machine("a", "1")}, Request{Count: 1, Zones: []string{"2", "3"}}, nil,
			[]Refusal{{"a", "LOCATION"}},
		}, {
			"step 3: task definition memberOf ∧ request memberOf",
			[]Instance{machine("a", "1", with("x", "1")), machine("b", "1", with("y", "1")), machine("c", "1", with("x", "1"), with("y", "1"))},
			Request{Count: 2, Constraints: []Constraint{{memberOf, "attribute:x == 1"}, {memberOf, "attribute:y == 1"}}},
			[]string{"c", "c"}, nil,
		}, {
			"step 3: memberOf unsatisfied", []Instance{machine("a", "1")},
			Request{Count: 1, Constraints: []Constraint{{memberOf, "attribute:x exists"}}}, nil,
			[]Refusal{{"a", "MemberOf placement constraint unsatisfied."}},
		}, {
			"step 3: memberOf of the task group follows what was placed",
			[]Instance{machine("a", "1")},
			Request{Count: 2, Group: "family:x", Constraints: []Constraint{{memberOf, "not(task:group == family:x)"}}},
			[]string{"a"},
			[]Refusal{{"a", "MemberOf placement constraint unsatisfied."}},
		}, {
			"step 3: distinctInstance", []Instance{machine("a", "1", holding("service:x", 1)), machine("b", "1", holding("service:y", 1))},
			Request{Count: 2, Group: "service:x", Constraints: []Constraint{{Type: distinctInstance}}},
			[]string{"b"},
			[]Refusal{{"a", "DistinctInstance placement constraint unsatisfied."}, {"b", "DistinctInstance placement constraint unsatisfied."}},
		}, {
			"failures: one per instance, closest match first",
			[]Instance{
				machine("agent", "1", down), machine("cpu", "1", left(0, 0)), machine("memory", "1", left(4096, 0)),
				machine("member", "1"), machine("distinct", "1", with("x", ""), holding("service:x", 1)),
			},
			Request{Count: 1, Group: "service:x", Need: small, Constraints: []Constraint{{Type: distinctInstance}, {memberOf, "attribute:x exists"}}}, nil,
			[]Refusal{
				{"distinct", ReasonDistinct},
				{"member", ReasonMemberOf},
				{"memory", ReasonMemory},
				{"cpu", ReasonCPU},
				{"agent", ReasonAgent},
			},
		}, {
			"step 4: binpack cpu", []Instance{machine("a", "1", left(4096, 512)), machine("b", "1", left(512, 8192)), machine("c", "1", left(100, 512))},
			Request{Count: 3, Need: small, Strategy: []Strategy{{"binpack", "cpu"}}},
			[]string{"b", "b", "a"}, nil,
		}, {
			"step 4: binpack memory", []Instance{machine("a", "1", left(4096, 1024)), machine("b", "1", left(512, 8192))},
			Request{Count: 3, Need: small, Strategy: []Strategy{{"binpack", "memory"}}},
			[]string{"a", "a", "b"}, nil,
		}, {
			"step 4: spread over an attribute", []Instance{machine("a", "1", holding("service:x", 2)), machine("b", "1"), machine("c", "2", holding("service:x", 1))},
			Request{Count: 1, Group: "service:x", Strategy: []Strategy{{"spread", "attribute:ecs.availability-zone"}}},
			[]string{"c"}, nil,
		}, {
			"step 4: spread counts tasks of the group alone", []Instance{machine("a", "1", holding("service:y", 5)), machine("b", "2", holding("service:x", 1))},
			Request{Count: 1, Group: "service:x", Strategy: []Strategy{{"spread", "attribute:ecs.availability-zone"}}},
			[]string{"a"}, nil,
		}, {
			"step 4: spread over instances", []Instance{machine("a", "1", holding("service:x", 2)), machine("b", "1", holding("service:x", 1))},
			Request{Count: 1, Group: "service:x", Strategy: []Strategy{{"spread", "instanceId"}}},
			[]string{"b"}, nil,
		}, {
			"step 4: a full zone is left out, best effort", []Instance{machine("a", "1", left(0, 0)), machine("b", "2", holding("service:x", 3))},
			Request{Count: 1, Group: "service:x", Need: small, Strategy: []Strategy{{"spread", "attribute:ecs.availability-zone"}}},
			[]string{"b"}, nil,
		}, {
			"step 4: chain, spread zones then binpack memory",
			[]Instance{machine("a", "1", left(4096, 4096)), machine("b", "1", left(4096, 2048)), machine("c", "2", left(4096, 1024)), machine("d", "2")},
			Request{Count: 4, Group: "service:x", Need: small, Strategy: []Strategy{{"spread", "attribute:ecs.availability-zone"}, {"binpack", "memory"}}},
			[]string{"c", "b", "c", "b"}, nil,
		}, {
			"step 4: chain, binpack cpu then spread zones",
			[]Instance{machine("a", "1", left(1024, 8192), holding("service:x", 1)), machine("b", "2", left(1024, 8192)), machine("c", "3")},
			Request{Count: 1, Group: "service:x", Need: small, Strategy: []Strategy{{"binpack", "cpu"}, {"spread", "attribute:ecs.availability-zone"}}},
			[]string{"b"}, nil,
		}, {
			"step 5: a service spreads over zones, then over its tasks per instance",
			[]Instance{machine("a", "1", holding("service:x", 1)), machine("b", "1", holding("service:x", 0)), machine("c", "2", holding("service:x", 2))},
			Request{Count: 1, Group: "service:x", Service: true},
			[]string{"b"}, nil,
		}, {
			"step 5: RunTask takes the least loaded", []Instance{machine("a", "1", holding("service:x", 1)), machine("b", "1")},
			Request{Count: 1, Group: "family:y"},
			[]string{"b"}, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			result, err := NewFleet(tt.instances).Place(&tt.req, rand.New(rand.NewPCG(1, 2)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range result.Placements {
				got = append(got, p.Instance)
			}
			if !slices.Equal(got, tt.want) || !slices.Equal(result.Refusals, tt.refusals) {
				t.Errorf("placed %v, refused %v\nwant   %v, %v", got, result.Refusals, tt.want, tt.refusals)
			}
		})
	}
}

// TestSpreadIsEven: where there is room, the values of a spread differ by at most one task.
func TestSpreadIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var instances []Instance
		for i := range rapid.IntRange(1, 30).Draw(t, "instances") {
			zone := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "zone")
			instances = append(instances, machine(fmt.Sprint(i), zone, left(1<<20, 1<<20)))
		}
		f := NewFleet(instances)
		req := Request{Group: "service:x", Need: Need{CPU: 1, Memory: 1}, Service: true}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for range 3 {
			req.Count = rapid.IntRange(0, 50).Draw(t, "count")
			if result, err := f.Place(&req, rng); err != nil || len(result.Placements) != req.Count {
				t.Fatalf("%d of %d placed: %v", len(result.Placements), req.Count, err)
			}
			zones := map[string]int{}
			instanceTasks := map[string][]int{}
			for i := range instances {
				now, _ := f.Instance(instances[i].ID)
				zone := now.Attributes[zoneAttribute]
				zones[zone] += now.Groups["service:x"]
				instanceTasks[zone] = append(instanceTasks[zone], now.Groups["service:x"])
			}
			var perZone []int
			for zone, n := range zones {
				perZone = append(perZone, n)
				even(t, "instances of zone "+zone, instanceTasks[zone])
			}
			even(t, "zones", perZone)
		}
	})
}

func even(t *rapid.T, what string, tasks []int) {
	if slices.Max(tasks)-slices.Min(tasks) > 1 {
		t.Fatalf("%s have %v tasks", what, tasks)
	}
}

// TestChanceIsFair: instances that no strategy tells apart are equally likely, in every round and whoever was chosen
// before. The seeds are fixed; the bounds are five standard deviations wide.
func TestChanceIsFair(t *testing.T) {
	const n, rounds = 8, 8000
	var instances []Instance
	for i := range n {
		instances = append(instances, machine(fmt.Sprint(i), fmt.Sprint(i%2)))
	}
	for name, strategy := range map[string][]Strategy{
		"random":                  {{Type: "random"}},
		"within a zone":           {{"spread", "attribute:ecs.availability-zone"}},
		"random ends a chain":     {{Type: "random"}, {"spread", "instanceId"}},
		"attribute without value": {{"spread", "attribute:none"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFleet(instances)
			rng := rand.New(rand.NewPCG(7, 7))
			chosen, repeats, last := map[string]int{}, 0, ""
			for range rounds {
				result, err := f.Place(&Request{Group: "family:x", Count: 1, Strategy: strategy}, rng)
				if err != nil {
					t.Fatal(err)
				}
				id := result.Placements[0].Instance
				chosen[id]++
				if id == last {
					repeats++
				}
				last = id
			}
			for id, times := range chosen {
				if times < rounds/n-160 || times > rounds/n+160 {
					t.Errorf("%s was chosen %d times, %d expected", id, times, rounds/n)
				}
			}
			if name == "random" && (repeats < rounds/n-160 || repeats > rounds/n+160) {
				t.Errorf("the same instance twice in a row %d times, %d expected", repeats, rounds/n)
			}
		})
	}
}

// TestRepeatable: the same fleet, requests and source of chance give the same placements.
func TestRepeatable(t *testing.T) {
	run := func(rng *rand.Rand) []Placement {
		f := NewFleet(fleetOf(40))
		var all []Placement
		for _, b := range benchmarks {
			req := b.req
			req.Count = 30
			result, err := f.Place(&req, rng)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, result.Placements...)
		}
		return all
	}
	if a, b := run(rand.New(rand.NewPCG(3, 4))), run(rand.New(rand.NewPCG(3, 4))); !slices.Equal(a, b) {
		t.Error("one seed, two outcomes")
	}
	if a, b := run(nil), run(nil); !slices.Equal(a, b) {
		t.Error("without a source, two outcomes")
	}
}

// TestCallerKeepsItsMaps: what a fleet reserves does not show in the instances that it was made of.
func TestCallerKeepsItsMaps(t *testing.T) {
	instances := []Instance{machine("a", "1", holding("service:x", 1))}
	f := NewFleet(instances)
	req := Request{Group: "service:x", Count: 2, Need: Need{CPU: 1, TCP: PortsOf(80)}}
	if _, err := f.Place(&req, nil); err != nil {
		t.Fatal(err)
	}
	if got := instances[0]; got.Groups["service:x"] != 1 || got.Remaining.CPU != 4096 || got.Remaining.TCP.Has(80) {
		t.Errorf("the caller's instance became %+v", got)
	}
	if now, _ := f.Instance("a"); now.Groups["service:x"] != 2 || now.Remaining.CPU != 4095 || !now.Remaining.TCP.Has(80) {
		t.Errorf("the fleet's instance is %+v", now)
	}
}
