package schedule

// journal lists the slots that have changed, so that a plan can catch up with a fleet. It keeps the latest changes
// only; a plan that fell further behind starts over.
type journal struct {
	slots []int32
	start uint64 // number of the first change in slots
}

// journalLimit is how many changes are kept at most; half of them at least.
const journalLimit = 1 << 16

func (j *journal) note(slot int32) {
	if len(j.slots) >= journalLimit {
		kept := copy(j.slots, j.slots[journalLimit/2:])
		j.slots = j.slots[:kept]
		j.start += journalLimit / 2
	}
	j.slots = append(j.slots, slot)
}

// end is the number of the next change.
func (j *journal) end() uint64 { return j.start + uint64(len(j.slots)) }

// since lists the changes from number seq on; false if they are not all there any more.
func (j *journal) since(seq uint64) ([]int32, bool) {
	if seq < j.start {
		return nil, false
	}
	return j.slots[seq-j.start:], true
}
