package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// on lists tasks, each given as "task@instance" with marks behind: p for pending, ! for protected.
func on(tasks ...string) []Running {
	var all []Running
	for _, task := range tasks {
		id, where, _ := strings.Cut(task, "@")
		where, marks, _ := strings.Cut(where, " ")
		all = append(all, Running{
			ID: id, Instance: where, Need: Need{CPU: 256, Memory: 512},
			Pending: strings.Contains(marks, "p"), Protected: strings.Contains(marks, "!"),
			StartedAt: time.Unix(int64(len(all)), 0),
		})
	}
	return all
}

// Each row names the strategy or the rule of scaling in that it is about (developer guide, task-placement-strategies,
// ecs_services, task-scale-in-protection). Without a source of chance the task that started last goes first, so orders
// are exact.
func TestVictims(t *testing.T) {
	draining := func(i *Instance) { i.Status = "DRAINING" }
	instances := map[string]Instance{}
	for _, i := range []Instance{
		machine("a1", "a", left(100, 4000)), machine("a2", "a", left(3000, 200)), machine("b1", "b", left(2000, 3000)),
		machine("c1", "c"), machine("gone", "c", draining),
	} {
		instances[i.ID] = i
	}
	find := func(id string) *Instance {
		if i, ok := instances[id]; ok {
			return &i
		}
		return nil
	}
	tests := []struct {
		row      string
		tasks    []Running
		n        int
		strategy []Strategy
		want     []string
	}{
		{"none wanted", on("1@a1"), 0, nil, nil},
		{"negative", on("1@a1"), -1, nil, nil},
		{"more than there are", on("1@a1", "2@b1"), 5, nil, []string{"2", "1"}},
		{"default: the zone with most", on("1@a1", "2@a2", "3@b1", "4@c1"), 1, nil, []string{"2"}},
		{"default: then the instance with most", on("1@a1", "2@a1", "3@a2", "4@b1"), 1, nil, []string{"2"}},
		{"default: balance is kept on the way", on("1@a1", "2@a2", "3@a1", "4@b1", "5@b1", "6@c1"), 3, nil, []string{"3", "5", "2"}},
		{"default: what is not valid counts as none", on("1@a1", "2@a2", "3@b1"), 1, []Strategy{{"spread", "zone"}}, []string{"2"}},
		{"protected tasks are skipped", on("1@a1 !", "2@a1", "3@b1"), 3, nil, []string{"2", "3"}},
		{"protected tasks count for the balance", on("1@a1 !", "2@a2 !", "3@a2", "4@b1", "5@b1"), 1, nil, []string{"3"}},
		{"pending tasks go first", on("1@a1", "2@a2", "3@b1 p", "4@a1"), 2, nil, []string{"3", "4"}},
		{"then tasks on a draining instance", on("1@a1", "2@a2", "3@gone", "4@a1"), 2, nil, []string{"3", "4"}},
		{"and on an instance that is gone", on("1@a1", "2@a2", "3@nowhere", "4@b1 p"), 2, nil, []string{"4", "3"}},
		{"random: uniform", on("1@a1", "2@a1", "3@b1"), 2, []Strategy{{Type: "random"}}, []string{"3", "2"}},
		{"spread: keep balance over the field", on("1@a1", "2@a2", "3@b1", "4@a1"), 2, []Strategy{{"spread", "attribute:ecs.availability-zone"}}, []string{"4", "2"}},
		{"spread over instances", on("1@a1", "2@a1", "3@b1", "4@c1"), 1, []Strategy{{"spread", "instanceId"}}, []string{"2"}},
		{"binpack cpu: the instance left with most", on("1@a1", "2@b1", "3@a2", "4@a1"), 2, []Strategy{{"binpack", "cpu"}}, []string{"3", "2"}},
		{"binpack memory", on("1@a1", "2@b1", "3@a2"), 2, []Strategy{{"binpack", "memory"}}, []string{"1", "2"}},
		{"chain: reverse balance first", on("1@a1", "2@a2", "3@b1"), 1, []Strategy{{"spread", "attribute:ecs.availability-zone"}, {"binpack", "cpu"}}, []string{"2"}},
		{"Fargate: balance over the tasks' own zones", []Running{{ID: "1", Zone: "a"}, {ID: "2", Zone: "b"}, {ID: "3", Zone: "b"}}, 1, nil, []string{"3"}},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			if got := Victims(tt.tasks, tt.n, tt.strategy, find, nil); !slices.Equal(got, tt.want) {
				t.Errorf("stops %v, want %v", got, tt.want)
			}
		})
	}
}

// TestVictimsChanceIsFair: each task is equally likely, not each instance. The seeds are fixed; the bound is five
// standard deviations wide.
func TestVictimsChanceIsFair(t *testing.T) {
	const rounds = 4000
	rng := rand.New(rand.NewPCG(5, 5))
	stopped := map[string]int{}
	for range rounds {
		stopped[Victims(on("1@a", "2@a", "3@a", "4@b"), 1, []Strategy{{Type: "random"}}, nil, rng)[0]]++
	}
	for _, id := range []string{"1", "2", "3", "4"} {
		if n := stopped[id]; n < rounds/4-140 || n > rounds/4+140 {
			t.Errorf("task %s stopped %d times, %d expected", id, n, rounds/4)
		}
	}
}

// TestVictimsFollowsTheChain holds each choice against a plain narrowing of all candidates.
func TestVictimsFollowsTheChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instances := map[string]*Instance{}
		var names []string
		for i := range rapid.IntRange(1, 8).Draw(t, "instances") {
			m := drawInstance(t, i)
			instances[m.ID] = &m
			names = append(names, m.ID)
		}
		names = append(names, "unknown")
		var tasks []Running
		for i := range rapid.IntRange(0, 20).Draw(t, "tasks") {
			tasks = append(tasks, Running{
				ID: fmt.Sprint(i), Instance: rapid.SampledFrom(names).Draw(t, "instance"),
				Need:      Need{CPU: 2, Memory: 1},
				Pending:   rapid.IntRange(0, 4).Draw(t, "pending") == 0,
				Protected: rapid.IntRange(0, 4).Draw(t, "protected") == 0,
			})
		}
		req := drawRequest(t)
		n := rapid.IntRange(0, 22).Draw(t, "n")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		victims := Victims(tasks, n, req.Strategy, func(id string) *Instance { return instances[id] }, rng)
		stoppable := 0
		for _, task := range tasks {
			if !task.Protected {
				stoppable++
			}
		}
		if len(victims) != min(n, stoppable) {
			t.Fatalf("%d victims, want %d of %d", len(victims), n, stoppable)
		}
		rest := slices.Clone(tasks)
		freed := map[string]Need{}
		for _, id := range victims {
			best := bestVictims(rest, req.Strategy, instances, freed)
			if !slices.Contains(best, id) {
				t.Fatalf("%v: %s stops; best of %+v were %v", req.Strategy, id, rest, best)
			}
			at := slices.IndexFunc(rest, func(r Running) bool { return r.ID == id })
			f := freed[rest[at].Instance]
			f.CPU, f.Memory = f.CPU+rest[at].Need.CPU, f.Memory+rest[at].Need.Memory
			freed[rest[at].Instance] = f
			rest = slices.Delete(rest, at, at+1)
		}
	})
}

// bestVictims narrows the tasks as the documentation tells it. All tasks are of one size.
func bestVictims(tasks []Running, chain []Strategy, instances map[string]*Instance, freed map[string]Need) []string {
	if len(chain) == 0 {
		chain = []Strategy{{"spread", "attribute:ecs.availability-zone"}, {"spread", "host"}}
	}
	value := func(r Running, attribute string) string {
		if i := instances[r.Instance]; i != nil {
			return i.Attributes[attribute]
		}
		return ""
	}
	var left []Running
	for _, r := range tasks {
		if !r.Protected {
			left = append(left, r)
		}
	}
	left = mostOf(left, func(r Running) int64 {
		i := instances[r.Instance]
		switch {
		case r.Pending:
			return 2
		case i == nil || i.Status != "ACTIVE":
			return 1
		}
		return 0
	})
	var spreads []string
	for _, s := range chain {
		name, byAttribute := strings.CutPrefix(s.Field, "attribute:")
		switch {
		case s.Type == "random":
			return taskIDs(left)
		case s.Type == "binpack":
			left = mostOf(left, func(r Running) int64 {
				now := Resources{CPU: freed[r.Instance].CPU, Memory: freed[r.Instance].Memory}
				if i := instances[r.Instance]; i != nil {
					now.CPU, now.Memory = now.CPU+i.Remaining.CPU, now.Memory+i.Remaining.Memory
				}
				if s.Field == "cpu" {
					return now.CPU
				}
				return now.Memory
			})
		case byAttribute:
			spreads = append(spreads, name)
			left = mostOf(left, func(r Running) int64 {
				count := int64(0)
				for _, o := range tasks {
					alike := true
					for _, a := range spreads {
						alike = alike && value(o, a) == value(r, a)
					}
					if alike {
						count++
					}
				}
				return count
			})
		default:
			left = mostOf(left, func(r Running) int64 {
				count := int64(0)
				for _, o := range tasks {
					if o.Instance == r.Instance {
						count++
					}
				}
				return count
			})
		}
	}
	return taskIDs(left)
}

func mostOf(from []Running, key func(Running) int64) []Running {
	var best []Running
	for _, r := range from {
		switch {
		case len(best) == 0 || key(r) > key(best[0]):
			best = []Running{r}
		case key(r) == key(best[0]):
			best = append(best, r)
		}
	}
	return best
}

func taskIDs(tasks []Running) []string {
	var ids []string
	for _, r := range tasks {
		ids = append(ids, r.ID)
	}
	return ids
}
