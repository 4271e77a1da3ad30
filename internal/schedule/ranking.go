package schedule

import "cmp"

// ranking keeps instances in the order that a chain of levels prefers them, so that the best is at hand and moving one
// costs O(log n).
//
// It is a tree with a depth for each attribute of the chain. A node stands for the instances that agree in the values
// of the attributes so far, and knows how many tasks they have. A leaf holds its instances in a heap; other nodes hold
// their children in a heap, each standing there for the best instance beneath it. Instances of one leaf differ only in
// what is their own; children of one node differ also in their numbers of tasks. So comparing whole chains is right at
// every depth, and one task more changes the place of one node per depth.
type ranking struct {
	steps   []step
	scalars []levelKind // what the keys of an entry mean
	spreads []string    // the attribute of each depth below the root
	most    bool        // prefer the values with most tasks, not fewest
	root    *node
	places  []int32 // by instance: 1 + its index in its leaf; 0 if it is in none
	clock   float64 // chance of the latest winner: see draw
}

// step is a level of the chain: the number of tasks at a depth if that is above 0, else the key with an index.
type step struct{ depth, key int }

// Most levels that a chain can have of one sort: attributes are bounded by the number of strategies, keys by the kinds
// there are (instance, CPU, memory, and urgency or tasks).
const (
	maxDepth = maxStrategies
	maxKeys  = 4
)

// keys are what levels of an instance's own go by: least first.
type keys [maxKeys]int64

type node struct {
	path   [maxDepth + 1]*node // the nodes from the root to this one, by depth
	depth  int
	tasks  int
	kids   map[string]*node // by value
	heap   []*node          // kids with a best
	at     int              // position in the parent's heap, or -1
	best   *node            // leaf whose first entry is the best one here; nil if there is none
	leaves []entry          // of a leaf: a heap
}

// entry is an instance in a leaf.
type entry struct {
	keys   keys
	chance float64 // decides between equals
	item   int32
}

func newRanking(levels []level, most bool) *ranking {
	r := &ranking{most: most}
	for _, l := range levels {
		if l.kind == byAttribute {
			r.spreads = append(r.spreads, l.attribute)
			r.steps = append(r.steps, step{depth: len(r.spreads)})
			continue
		}
		r.steps = append(r.steps, step{key: len(r.scalars)})
		r.scalars = append(r.scalars, l.kind)
	}
	r.root = newNode(nil)
	return r
}

func newNode(parent *node) *node {
	n := &node{at: -1}
	if parent != nil {
		n.path, n.depth = parent.path, parent.depth+1
	}
	n.path[n.depth] = n
	return n
}

// leaf finds the leaf for an instance with the given attributes.
func (r *ranking) leaf(value func(attribute string) string) *node {
	n := r.root
	for _, attribute := range r.spreads {
		v := value(attribute)
		kid := n.kids[v]
		if kid == nil {
			kid = newNode(n)
			if n.kids == nil {
				n.kids = map[string]*node{}
			}
			n.kids[v] = kid
		}
		n = kid
	}
	return n
}

// count adds delta tasks to every node above leaf, and to leaf.
func (leaf *node) count(delta int) {
	for _, n := range leaf.path[:leaf.depth+1] {
		n.tasks += delta
	}
}

// top is the best instance; false if there is none.
func (r *ranking) top() (int32, bool) {
	if r.root.best == nil {
		return 0, false
	}
	e := &r.root.best.leaves[0]
	r.clock = max(r.clock, e.chance)
	return e.item, true
}

// before reports whether the first instance of leaf a is better than that of leaf b.
func (r *ranking) before(a, b *node) bool {
	x, y := &a.leaves[0], &b.leaves[0]
	for _, s := range r.steps {
		var order int
		if s.depth > 0 {
			order = cmp.Compare(a.path[s.depth].tasks, b.path[s.depth].tasks)
			if r.most {
				order = -order
			}
		} else {
			order = cmp.Compare(x.keys[s.key], y.keys[s.key])
		}
		if order != 0 {
			return order < 0
		}
	}
	return x.chance < y.chance
}

// before reports whether e is better than o of the same leaf. Keys that the chain does not use are zero.
func (e *entry) before(o *entry) bool {
	for i, k := range e.keys {
		if k != o.keys[i] {
			return k < o.keys[i]
		}
	}
	return e.chance < o.chance
}

// draw turns an exponential variate into the chance of an instance that enters or has just won. Counting from the
// latest winner on makes equals equally likely to win each time, whoever won before, since an exponential
// distribution has no memory.
func (r *ranking) draw(variate float64) float64 { return r.clock + variate }
