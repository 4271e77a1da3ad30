package schedule

import "maps"

// Fleet is an indexed set of the instances of one cluster, with what Place has reserved on them.
//
// A fleet keeps the Attributes maps that it is given and expects nobody to change them afterwards; it copies Groups
// before it changes them.
type Fleet struct {
	slots   []slot
	free    []int32 // slots without an instance
	byID    map[string]int32
	active  int
	classes classes
	changes journal
	plans   plans
}

// slot is the place of an instance in a fleet; it keeps its number as long as the instance is there.
type slot struct {
	candidate bool   // there is an instance and it is ACTIVE
	ownGroups bool   // inst.Groups is the fleet's own map
	class     *class // nil in a free slot
	tasks     int    // of all groups
	inst      Instance
}

// NewFleet indexes instances; of two with one id the later counts.
func NewFleet(instances []Instance) *Fleet {
	f := &Fleet{
		slots: make([]slot, 0, len(instances)),
		byID:  make(map[string]int32, len(instances)),
	}
	for i := range instances {
		f.upsert(&instances[i], len(instances) >= shareFrom)
	}
	return f
}

// Upsert adds an instance or replaces what the fleet knew of it. What Place reserved on it is forgotten, so Remaining
// and Groups must hold it by now.
func (f *Fleet) Upsert(instance Instance) { f.upsert(&instance, len(f.slots) >= shareFrom) }

func (f *Fleet) upsert(instance *Instance, share bool) {
	i, known := f.byID[instance.ID]
	if !known {
		i = f.grow()
		f.byID[instance.ID] = i
	}
	s := &f.slots[i]
	if s.candidate {
		f.active--
	}
	old := s.class
	if old == nil || !maps.Equal(old.attributes, instance.Attributes) {
		s.class = f.classes.join(instance.Attributes, share)
		if old != nil {
			f.classes.leave(old)
		}
	}
	s.inst, s.candidate, s.ownGroups, s.tasks = *instance, instance.Status == statusActive, false, 0
	for _, n := range instance.Groups {
		s.tasks += n
	}
	if s.candidate {
		f.active++
	}
	f.note(i)
}

// note tells the plans, if there are any, that slot i has changed.
func (f *Fleet) note(i int32) {
	if len(f.plans.byShape) > 0 {
		f.changes.note(i)
	}
}

// grow returns the number of a slot for one more instance.
func (f *Fleet) grow() int32 {
	if last := len(f.free) - 1; last >= 0 {
		i := f.free[last]
		f.free = f.free[:last]
		return i
	}
	f.slots = append(f.slots, slot{})
	return int32(len(f.slots) - 1)
}

// Remove forgets an instance; an unknown id is fine.
func (f *Fleet) Remove(id string) {
	i, known := f.byID[id]
	if !known {
		return
	}
	delete(f.byID, id)
	s := &f.slots[i]
	if s.candidate {
		f.active--
	}
	f.classes.leave(s.class)
	*s = slot{}
	f.free = append(f.free, i)
	f.note(i)
}

// Len is the number of instances, of whatever status.
func (f *Fleet) Len() int { return len(f.byID) }

// Active is the number of ACTIVE instances, those that Place considers. With none of them, RunTask answers
// `No Container Instances were found in your cluster.`
func (f *Fleet) Active() int { return f.active }

// Instance returns what the fleet knows of an instance, with what Place has reserved on it. Its maps are not to be
// changed, and are only valid until the fleet changes.
func (f *Fleet) Instance(id string) (Instance, bool) {
	i, known := f.byID[id]
	if !known {
		return Instance{}, false
	}
	return f.slots[i].inst, true
}

// reserve books one task on slot i.
func (f *Fleet) reserve(i int32, group string, need *Need) {
	f.slots[i].inst.Remaining.take(need)
	f.count(i, group, 1)
}

// Release takes back what Place reserved for one task of group on an instance; an unknown instance is fine. Whoever
// upserts an instance without a task must not release the task too.
func (f *Fleet) Release(instance string, group string, need Need) {
	i, known := f.byID[instance]
	if !known {
		return
	}
	f.slots[i].inst.Remaining.give(&need)
	if f.slots[i].inst.Groups[group] > 0 {
		f.count(i, group, -1)
		return
	}
	f.note(i)
}

// count books delta tasks of group on slot i.
func (f *Fleet) count(i int32, group string, delta int) {
	s := &f.slots[i]
	if !s.ownGroups {
		groups := make(map[string]int, len(s.inst.Groups)+1)
		maps.Copy(groups, s.inst.Groups)
		s.inst.Groups, s.ownGroups = groups, true
	}
	s.tasks += delta
	if n := s.inst.Groups[group] + delta; n > 0 {
		s.inst.Groups[group] = n
	} else {
		delete(s.inst.Groups, group)
	}
	f.note(i)
}
