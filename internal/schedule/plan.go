package schedule

import (
	"math/rand/v2"
	"slices"
)

// plan is how one shape of request (everything but its count) sees a fleet: which instances can take its task, ranked.
// It follows the fleet by the fleet's journal.
type plan struct {
	group    string
	need     Need
	filters  []filter
	only     map[string]bool
	ranking  *ranking
	states   []state // by slot
	verdicts []verdict
	byClass  []int32 // by the class's number: 1 + index of its verdict, unless that is about an earlier class
	seq      uint64  // number of the first change of the journal that the plan has not seen
	used     uint64  // for the cache
	rng      *rand.Rand
}

// state is what a plan has made of a slot; zero for one without a candidate.
type state struct {
	verdict int32 // 1 + index
	tasks   int32 // of the plan's group, as counted in the ranking
}

// verdict is what a plan makes of a class.
type verdict struct {
	class  *class
	failed int   // index of the first filter by attributes that the class fails; the number of filters if none
	leaf   *node // where its instances rank
}

func newPlan(req *Request) (*plan, error) {
	constraints, err := parseConstraints(req.Constraints)
	if err != nil {
		return nil, err
	}
	levels, err := parseStrategies(req.Strategy)
	if err != nil {
		return nil, err
	}
	if len(req.Strategy) == 0 {
		levels = defaultLevels(req.Service)
	}
	if len(req.Only) == 1 {
		levels = nil // nothing to choose from
	}
	return &plan{
		group:   req.Group,
		need:    req.Need,
		filters: filters(req, constraints),
		only:    req.Only,
		ranking: newRanking(levels, false),
	}, nil
}

// build ranks the whole fleet.
func (p *plan) build(f *Fleet) {
	r := p.ranking
	r.root = newNode(nil)
	p.states = make([]state, len(f.slots))
	r.places = make([]int32, len(f.slots))
	p.verdicts, p.byClass = p.verdicts[:0], make([]int32, f.classes.next)
	if p.only != nil && len(r.spreads) == 0 {
		for _, i := range p.members(f) {
			p.load(f, i)
		}
	} else {
		for i := range f.slots {
			p.load(f, int32(i))
		}
	}
	r.arrange(r.root)
	p.seq = f.changes.end()
}

// members lists the slots of the instances that the request allows, in order.
func (p *plan) members(f *Fleet) []int32 {
	slots := make([]int32, 0, len(p.only))
	for id, allowed := range p.only {
		if i, known := f.byID[id]; known && allowed {
			slots = append(slots, i)
		}
	}
	slices.Sort(slots)
	return slots
}

func (p *plan) load(f *Fleet, i int32) {
	s := &f.slots[i]
	if !s.candidate {
		return
	}
	n := p.judge(s.class)
	v, tasks := &p.verdicts[n-1], s.inst.Groups[p.group]
	p.states[i] = state{n, int32(tasks)}
	v.leaf.count(tasks)
	if p.takes(s, v) {
		p.ranking.load(v.leaf, entry{p.keys(s, tasks), p.ranking.draw(p.rng.ExpFloat64()), i})
	}
}

// catchUp brings the plan to the state of the fleet.
func (p *plan) catchUp(f *Fleet) {
	changed, whole := f.changes.since(p.seq)
	if !whole || len(changed) > len(f.slots) || len(p.verdicts) > 2*len(f.slots)+shareFrom {
		p.build(f)
		return
	}
	for _, i := range changed {
		p.refresh(f, i, false)
	}
	p.seq = f.changes.end()
}

// refresh brings slot i up to date. An instance that has just won draws a new chance.
func (p *plan) refresh(f *Fleet, i int32, won bool) {
	r := p.ranking
	for int(i) >= len(p.states) {
		p.states, r.places = append(p.states, state{}), append(r.places, 0)
	}
	s, st := &f.slots[i], &p.states[i]
	if st.verdict > 0 && p.verdicts[st.verdict-1].class != s.class || !s.candidate {
		p.forget(i)
	}
	if !s.candidate {
		return
	}
	if st.verdict == 0 {
		st.verdict = p.judge(s.class)
	}
	v, tasks, at := &p.verdicts[st.verdict-1], s.inst.Groups[p.group], r.places[i]
	counted := tasks - int(st.tasks)
	st.tasks = int32(tasks)
	takes := p.takes(s, v)
	e := entry{item: i}
	if takes {
		e.keys = p.keys(s, tasks)
	}
	if at > 0 && !won {
		e.chance = v.leaf.leaves[at-1].chance
	} else if takes {
		e.chance = r.draw(p.rng.ExpFloat64())
	}
	switch {
	case !takes && at == 0 && counted == 0, takes && at > 0 && counted == 0 && e == v.leaf.leaves[at-1]:
		return // nothing that this plan goes by
	case takes:
		r.put(v.leaf, e)
	default:
		r.drop(v.leaf, i)
	}
	v.leaf.count(counted)
	r.settle(v.leaf)
}

// forget takes slot i and its tasks out of the ranking.
func (p *plan) forget(i int32) {
	st := &p.states[i]
	if st.verdict == 0 {
		return
	}
	leaf := p.verdicts[st.verdict-1].leaf
	leaf.count(-int(st.tasks))
	p.ranking.drop(leaf, i)
	p.ranking.settle(leaf)
	*st = state{}
}

// takes reports whether an instance can take the request's task.
func (p *plan) takes(s *slot, v *verdict) bool {
	return (p.only == nil || p.only[s.inst.ID]) && p.failed(s, v) == len(p.filters)
}

// judge decides, once, what the plan makes of a class; the answer is 1 + the index of the verdict.
func (p *plan) judge(k *class) int32 {
	for int(k.number) >= len(p.byClass) {
		p.byClass = append(p.byClass, 0)
	}
	if n := p.byClass[k.number]; n > 0 && p.verdicts[n-1].class == k {
		return n
	}
	v := verdict{class: k, failed: len(p.filters)}
	for n, filter := range p.filters {
		if filter.attributes != nil && !filter.attributes(k.attributes) {
			v.failed = n
			break
		}
	}
	v.leaf = p.ranking.leaf(func(attribute string) string { return k.attributes[attribute] })
	p.verdicts = append(p.verdicts, v)
	p.byClass[k.number] = int32(len(p.verdicts))
	return int32(len(p.verdicts))
}

// failed is the index of the first filter that refuses s; the number of filters if none does.
func (p *plan) failed(s *slot, v *verdict) int {
	for n := range p.filters[:v.failed] {
		if test := p.filters[n].instance; test != nil && !test(s) {
			return n
		}
	}
	return v.failed
}

// keys are the instance's own part of its rank.
func (p *plan) keys(s *slot, tasks int) keys {
	var k keys
	for n, kind := range p.ranking.scalars {
		switch kind {
		case byInstance:
			k[n] = int64(tasks)
		case byCPU:
			k[n] = s.inst.Remaining.CPU
		case byMemory:
			k[n] = s.inst.Remaining.Memory
		case byTasks:
			k[n] = int64(s.tasks)
		}
	}
	return k
}

// refusals says for each instance that the request allows why it can't take the task, the one that passed most filters
// first.
func (p *plan) refusals(f *Fleet) []Refusal {
	byFilter := make([][]Refusal, len(p.filters))
	refuse := func(i int32) {
		s := &f.slots[i]
		if !s.candidate {
			return
		}
		if n := p.failed(s, &p.verdicts[p.judge(s.class)-1]); n < len(p.filters) {
			byFilter[n] = append(byFilter[n], Refusal{s.inst.ID, p.filters[n].reason})
		}
	}
	if p.only != nil {
		for _, i := range p.members(f) {
			refuse(i)
		}
	} else {
		for i := range f.slots {
			refuse(int32(i))
		}
	}
	slices.Reverse(byFilter)
	return slices.Concat(byFilter...)
}
