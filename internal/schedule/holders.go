package schedule

import (
	"math/rand/v2"
	"slices"
)

// urgency says which of a service's tasks go first when some must stop.
type urgency int

const (
	pending urgency = iota // not running yet
	leaving                // on an instance that is not ACTIVE
	settled
	urgencies // the number of them; as a key: nothing to stop
)

// holder is an instance that holds tasks of the service; for Fargate tasks, their zone.
type holder struct {
	attributes map[string]string
	zone       string
	leaving    bool
	free       Resources
	tasks      int                   // protected ones included
	stoppable  [urgencies][]*Running // the next to go last
	leaf       *node
}

// holders ranks holders by the tasks that they can give up.
type holders struct {
	ranking *ranking
	rng     *rand.Rand
	all     []*holder
	byKey   map[holderKey]int32
}

type holderKey struct{ instance, zone string }

func newHolders(levels []level, rng *rand.Rand) *holders {
	return &holders{ranking: newRanking(levels, true), rng: rng, byKey: map[holderKey]int32{}}
}

func (h *holders) add(task *Running, instances func(id string) *Instance) {
	key := holderKey{instance: task.Instance}
	if task.Instance == "" {
		key.zone = task.Zone
	}
	i, known := h.byKey[key]
	if !known {
		i = int32(len(h.all))
		h.byKey[key] = i
		h.all = append(h.all, newHolder(task, instances))
	}
	on := h.all[i]
	on.tasks++
	if task.Protected {
		return
	}
	u := settled
	switch {
	case task.Pending:
		u = pending
	case on.leaving:
		u = leaving
	}
	on.stoppable[u] = append(on.stoppable[u], task)
}

func newHolder(task *Running, instances func(id string) *Instance) *holder {
	on := &holder{zone: task.Zone}
	if task.Instance == "" || instances == nil {
		return on
	}
	instance := instances(task.Instance)
	if instance == nil {
		on.leaving = true
		return on
	}
	on.attributes, on.free = instance.Attributes, instance.Remaining
	on.leaving = instance.Status != statusActive
	return on
}

// value is a holder's value of an attribute that tasks are spread over.
func (on *holder) value(attribute string) string {
	if attribute == zoneAttribute && on.zone != "" {
		return on.zone
	}
	return on.attributes[attribute]
}

// arrange ranks the holders, once all tasks are added.
func (h *holders) arrange() {
	r := h.ranking
	r.places = make([]int32, len(h.all))
	for i, on := range h.all {
		for _, tasks := range on.stoppable {
			h.order(tasks)
		}
		on.leaf = r.leaf(on.value)
		on.leaf.count(on.tasks)
		if u := on.urgency(); u < urgencies {
			r.load(on.leaf, h.entry(int32(i), u))
		}
	}
	r.arrange(r.root)
}

// order puts the tasks in the reverse of the order in which they are to go.
func (h *holders) order(tasks []*Running) {
	if h.rng == nil {
		slices.SortStableFunc(tasks, func(a, b *Running) int { return a.StartedAt.Compare(b.StartedAt) })
		return
	}
	h.rng.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
}

// next stops the best task: it is as good as gone for the choice of the one after it. Nil if none is left.
func (h *holders) next() *Running {
	r := h.ranking
	i, ok := r.top()
	if !ok {
		return nil
	}
	on := h.all[i]
	u := on.urgency()
	last := len(on.stoppable[u]) - 1
	task := on.stoppable[u][last]
	on.stoppable[u] = on.stoppable[u][:last]
	on.tasks--
	on.leaf.count(-1)
	on.free.give(&task.Need)
	if u = on.urgency(); u < urgencies {
		r.put(on.leaf, h.entry(i, u))
	} else {
		r.drop(on.leaf, i)
	}
	r.settle(on.leaf)
	return task
}

// urgency is that of the holder's next task; urgencies if it has none to stop.
func (on *holder) urgency() urgency {
	for u, tasks := range on.stoppable {
		if len(tasks) > 0 {
			return urgency(u)
		}
	}
	return urgencies
}

// entry ranks holder i by its next task, of urgency u.
func (h *holders) entry(i int32, u urgency) entry {
	on := h.all[i]
	tasks := on.stoppable[u]
	next := tasks[len(tasks)-1]
	e := entry{item: i}
	for n, kind := range h.ranking.scalars {
		switch kind {
		case byUrgency:
			e.keys[n] = int64(u)
		case byInstance:
			e.keys[n] = -int64(on.tasks)
		case byCPU:
			e.keys[n] = -(on.free.CPU + next.Need.CPU)
		case byMemory:
			e.keys[n] = -(on.free.Memory + next.Need.Memory)
		}
	}
	if h.rng == nil {
		e.chance = -float64(next.StartedAt.UnixMicro())
	} else {
		// The more tasks an instance holds, the sooner it is its turn: each task is equally likely.
		e.chance = h.ranking.draw(h.rng.ExpFloat64() / float64(len(tasks)))
	}
	return e
}
