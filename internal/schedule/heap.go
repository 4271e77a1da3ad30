package schedule

// arity of the heaps of entries: four children share few cache lines, and the heap is half as deep as a binary one.
const arity = 4

// put sets an instance's entry in leaf, the one leaf that the instance may be in. A settle of the leaf must follow.
func (r *ranking) put(leaf *node, e entry) {
	at := int(r.places[e.item]) - 1
	if at < 0 {
		leaf.leaves = append(leaf.leaves, e)
		r.up(leaf, len(leaf.leaves)-1)
		return
	}
	leaf.leaves[at] = e
	if !r.up(leaf, at) {
		r.down(leaf, at)
	}
}

// drop takes an instance out of leaf, if it is in. A settle of the leaf must follow.
func (r *ranking) drop(leaf *node, item int32) {
	at := int(r.places[item]) - 1
	if at < 0 {
		return
	}
	r.places[item] = 0
	last := len(leaf.leaves) - 1
	moved := leaf.leaves[last]
	leaf.leaves = leaf.leaves[:last]
	if at == last {
		return
	}
	r.set(leaf, at, moved)
	if !r.up(leaf, at) {
		r.down(leaf, at)
	}
}

func (r *ranking) set(leaf *node, at int, e entry) {
	leaf.leaves[at] = e
	r.places[e.item] = int32(at + 1)
}

func (r *ranking) up(leaf *node, at int) bool {
	h, e, start := leaf.leaves, leaf.leaves[at], at
	for at > 0 {
		above := (at - 1) / arity
		if !e.before(&h[above]) {
			break
		}
		r.set(leaf, at, h[above])
		at = above
	}
	r.set(leaf, at, e)
	return at != start
}

func (r *ranking) down(leaf *node, at int) {
	h, e := leaf.leaves, leaf.leaves[at]
	for {
		first := arity*at + 1
		if first >= len(h) {
			break
		}
		best := first
		for below := first + 1; below < min(first+arity, len(h)); below++ {
			if h[below].before(&h[best]) {
				best = below
			}
		}
		if !h[best].before(&e) {
			break
		}
		r.set(leaf, at, h[best])
		at = best
	}
	r.set(leaf, at, e)
}

// settle brings every node above leaf to its place, after changes to the leaf's entries or counts.
func (r *ranking) settle(leaf *node) {
	for depth := leaf.depth; depth > 0; depth-- {
		leaf.path[depth].choose()
		r.seat(leaf.path[depth-1], leaf.path[depth])
	}
	r.root.choose()
}

// choose sets n's best from what is first in its heap.
func (n *node) choose() {
	switch {
	case len(n.leaves) > 0:
		n.best = n
	case len(n.heap) > 0:
		n.best = n.heap[0].best
	default:
		n.best = nil
	}
}

// seat brings kid to its place in n's heap, or takes it out if it has no best.
func (r *ranking) seat(n, kid *node) {
	switch {
	case kid.best == nil && kid.at < 0:
	case kid.best == nil:
		at, last := kid.at, len(n.heap)-1
		kid.at = -1
		moved := n.heap[last]
		n.heap = n.heap[:last]
		if at < last {
			n.heap[at], moved.at = moved, at
			r.reseat(n, at)
		}
	case kid.at < 0:
		n.heap = append(n.heap, kid)
		kid.at = len(n.heap) - 1
		r.reseat(n, kid.at)
	default:
		r.reseat(n, kid.at)
	}
}

func (r *ranking) reseat(n *node, at int) {
	if !r.seatUp(n.heap, at) {
		r.seatDown(n.heap, at)
	}
}

func (r *ranking) seatUp(h []*node, at int) bool {
	kid, start := h[at], at
	for at > 0 {
		above := (at - 1) / 2
		if !r.before(kid.best, h[above].best) {
			break
		}
		h[at], h[above].at = h[above], at
		at = above
	}
	h[at], kid.at = kid, at
	return at != start
}

func (r *ranking) seatDown(h []*node, at int) {
	kid := h[at]
	for {
		below := 2*at + 1
		if below >= len(h) {
			break
		}
		if below+1 < len(h) && r.before(h[below+1].best, h[below].best) {
			below++
		}
		if !r.before(h[below].best, kid.best) {
			break
		}
		h[at], h[below].at = h[below], at
		at = below
	}
	h[at], kid.at = kid, at
}

// load appends an entry without keeping order; an arrange must follow the last one.
func (r *ranking) load(leaf *node, e entry) {
	leaf.leaves = append(leaf.leaves, e)
	r.places[e.item] = int32(len(leaf.leaves))
}

// arrange orders everything below n, and n.
func (r *ranking) arrange(n *node) {
	for at := (len(n.leaves) - 2) / arity; at >= 0 && len(n.leaves) > 1; at-- {
		r.down(n, at)
	}
	for _, kid := range n.kids {
		r.arrange(kid)
		if kid.best != nil {
			kid.at = len(n.heap)
			n.heap = append(n.heap, kid)
		}
	}
	for at := len(n.heap)/2 - 1; at >= 0; at-- {
		r.seatDown(n.heap, at)
	}
	n.choose()
}
