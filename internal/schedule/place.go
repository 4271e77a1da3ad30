package schedule

import "math/rand/v2"

// Place finds instances for the tasks of req and reserves what they need, so that the next Place sees it. It places as
// many as it can; Result.Refusals explain the first one that it could not. The error is a [*ParameterError] about the
// request's constraints or strategies. Chance comes from rng; nil stands for a fixed sequence.
func (f *Fleet) Place(req *Request, rng *rand.Rand) (Result, error) {
	if rng == nil {
		rng = fixedSequence()
	}
	p, err := f.planFor(req, rng)
	if err != nil {
		return Result{}, err
	}
	var result Result
	if req.Count > 0 {
		result.Placements = make([]Placement, 0, min(req.Count, maxPreallocated))
	}
	for range req.Count {
		i, ok := p.ranking.top()
		if !ok {
			result.Refusals = p.refusals(f)
			break
		}
		f.reserve(i, p.group, &p.need)
		p.refresh(f, i, true)
		result.Placements = append(result.Placements, Placement{f.slots[i].inst.ID})
	}
	p.seq = f.changes.end()
	return result, nil
}

// maxPreallocated bounds what is set aside for a count before anything is known to fit.
const maxPreallocated = 4096

func fixedSequence() *rand.Rand { return rand.New(rand.NewPCG(0, 0)) }
