package schedule

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// fleetOf makes n equal instances over three zones, with the attributes that a real agent registers.
func fleetOf(n int) []Instance {
	zones := []string{"us-east-1a", "us-east-1b", "us-east-1c"}
	types := []string{"m5.xlarge", "m5.2xlarge", "c5.xlarge", "r5.large"}
	instances := make([]Instance, n)
	for i := range instances {
		attributes := map[string]string{
			zoneAttribute:       zones[i%3],
			"ecs.instance-type": types[i%4],
			"ecs.os-type":       "linux", "ecs.cpu-architecture": "x86_64", "ecs.ami-id": "ami-0123456789abcdef0",
			"ecs.vpc-id": "vpc-1", "ecs.subnet-id": "subnet-" + zones[i%3],
		}
		for c := range 30 {
			attributes[fmt.Sprintf("com.amazonaws.ecs.capability.number-%d", c)] = ""
		}
		left := Resources{CPU: 16384, Memory: 65536, TCP: PortsOf(22, 2375, 2376, 51678, 51679, 51680)}
		instances[i] = Instance{
			ID: fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:container-instance/default/%032x", i), Status: "ACTIVE",
			Connected: true, AgentVersion: "1.94.0", EC2InstanceID: fmt.Sprintf("i-%017x", i), Attributes: attributes,
			Registered: left, Remaining: left, Groups: map[string]int{"service:other": 1 + i%3},
		}
	}
	return instances
}

var benchmarks = []struct {
	name string
	req  Request
}{
	{"spreadAZ+binpack+memberOf", Request{
		Group: "service:web", Service: true, Need: Need{CPU: 256, Memory: 512},
		Required:    []Attribute{{Name: "com.amazonaws.ecs.capability.number-7"}},
		Constraints: []Constraint{{memberOf, "attribute:ecs.instance-type =~ m5.* or attribute:ecs.instance-type == c5.xlarge"}},
		Strategy:    []Strategy{{"spread", "attribute:ecs.availability-zone"}, {"binpack", "memory"}},
	}},
	{"distinctInstance", Request{
		Group: "service:web", Service: true, Need: Need{CPU: 256, Memory: 512},
		Constraints: []Constraint{{Type: distinctInstance}},
	}},
	{"random", Request{
		Group: "family:job", Need: Need{CPU: 256, Memory: 512}, Strategy: []Strategy{{Type: "random"}},
	}},
	{"hostPort", Request{
		Group: "service:web", Service: true, Need: Need{CPU: 256, Memory: 512, TCP: PortsOf(8080)},
	}},
}

// BenchmarkPlace reports placements per second of one core. "service" places what fits of 10 tasks per instance in one
// call, the ranking of the fleet included; "oneByOne" makes a call per task, as RunTask does, on a fleet that stays.
func BenchmarkPlace(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, bench := range benchmarks {
		for _, n := range []int{1000, 5000, 10000} {
			b.Run(fmt.Sprintf("%s/service/%d", bench.name, n), func(b *testing.B) {
				req := bench.req
				req.Count = 10 * n
				placed := 0
				for b.Loop() {
					b.StopTimer()
					f, rng := NewFleet(fleetOf(n)), rand.New(rand.NewPCG(1, 2))
					b.StartTimer()
					result, err := f.Place(&req, rng)
					if err != nil || len(result.Placements) < n/2 {
						b.Fatal(err, len(result.Placements))
					}
					placed += len(result.Placements)
				}
				b.ReportMetric(float64(placed)/b.Elapsed().Seconds(), "placements/s")
			})
			b.Run(fmt.Sprintf("%s/oneByOne/%d", bench.name, n), func(b *testing.B) {
				f, rng := NewFleet(fleetOf(n)), rand.New(rand.NewPCG(1, 2))
				req := bench.req
				req.Count = 1
				var placed []Placement
				for b.Loop() {
					result, err := f.Place(&req, rng)
					if err != nil || len(result.Placements) == 0 {
						b.Fatal(err, len(placed))
					}
					if placed = append(placed, result.Placements...); len(placed) == n/2 {
						for _, p := range placed {
							f.Release(p.Instance, req.Group, req.Need)
						}
						placed = placed[:0]
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
			})
		}
	}
}

// BenchmarkManyServices places one task of each of 50 services in turn, so that every ranking has to catch up with what
// the others did.
func BenchmarkManyServices(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f, rng := NewFleet(fleetOf(n)), rand.New(rand.NewPCG(1, 2))
			reqs := make([]Request, 50)
			for i := range reqs {
				reqs[i] = benchmarks[0].req
				reqs[i].Group, reqs[i].Count = fmt.Sprintf("service:%d", i), 1
			}
			for i := 0; b.Loop(); i++ {
				req := &reqs[i%len(reqs)]
				result, err := f.Place(req, rng)
				if err != nil || len(result.Placements) == 0 {
					b.Fatal(err, i)
				}
				f.Release(result.Placements[0].Instance, req.Group, req.Need)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
		})
	}
}

// BenchmarkSmallCluster is what RunTask on three instances costs when it makes its fleet for the call.
func BenchmarkSmallCluster(b *testing.B) {
	instances := fleetOf(3)
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			NewFleet(instances)
		}
	})
	for _, bench := range benchmarks {
		b.Run("place/"+bench.name, func(b *testing.B) {
			b.ReportAllocs()
			rng := rand.New(rand.NewPCG(1, 2))
			req := bench.req
			req.Count = 1
			for b.Loop() {
				if result, err := NewFleet(instances).Place(&req, rng); err != nil || len(result.Placements) != 1 {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUpsert is what following one change of an instance costs a large fleet.
func BenchmarkUpsert(b *testing.B) {
	instances := fleetOf(10000)
	f := NewFleet(instances)
	for i := 0; b.Loop(); i++ {
		f.Upsert(instances[i%len(instances)])
	}
}

// BenchmarkVictims stops half of 5,000 tasks.
func BenchmarkVictims(b *testing.B) {
	instances := fleetOf(1000)
	byID := map[string]*Instance{}
	tasks := make([]Running, 5000)
	for i := range instances {
		byID[instances[i].ID] = &instances[i]
	}
	for i := range tasks {
		tasks[i] = Running{ID: fmt.Sprint(i), Instance: instances[i%1000].ID}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		Victims(tasks, 2500, nil, func(id string) *Instance { return byID[id] }, rng)
	}
}
