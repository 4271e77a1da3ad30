package store

// A tree is a persistent B-tree: editing one leaves all earlier versions as they were, sharing what did not change.
// Each node counts the items below it, so counting a range costs as little as finding it. One version may be read by
// any number of goroutines while its successors are made.
type tree[K, T any] struct {
	root  *node[T]
	order *order[K, T]
	owner *owner // nodes of this owner may be changed in place; others are copied first
}

// order says how items are sorted.
type order[K, T any] struct {
	key     func(T) K
	compare func(K, T) int
}

// owner marks the nodes that one edit made itself. It is not empty, so that each has its own address.
type owner struct{ _ byte }

type node[T any] struct {
	items []T
	kids  []*node[T] // nil in a leaf, else one more than items
	count int        // items here and below
	owner *owner
}

// maxItems balances the bytes copied per change against the depth; halves must keep minItems when a full node splits.
const (
	maxItems = 32
	minItems = maxItems / 2
)

// edit returns a version that can be changed without touching t. From then on t must only be read.
func (t tree[K, T]) edit() tree[K, T] {
	t.owner = new(owner)
	return t
}

func (t *tree[K, T]) len() int {
	if t.root == nil {
		return 0
	}
	return t.root.count
}

// find is the position of the first item not before key, and whether it is the one.
func (t *tree[K, T]) find(n *node[T], key K) (int, bool) {
	low, high := 0, len(n.items)
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch c := t.order.compare(key, n.items[middle]); {
		case c == 0:
			return middle, true
		case c < 0:
			high = middle
		default:
			low = middle + 1
		}
	}
	return low, false
}

func (t *tree[K, T]) get(key K) (item T, ok bool) {
	for n := t.root; n != nil; {
		i, found := t.find(n, key)
		if found {
			return n.items[i], true
		}
		if n.kids == nil {
			break
		}
		n = n.kids[i]
	}
	return item, false
}

// rank is the number of items before key.
func (t *tree[K, T]) rank(key K) int {
	rank := 0
	for n := t.root; n != nil; {
		i, found := t.find(n, key)
		rank += i
		if n.kids == nil {
			break
		}
		for _, kid := range n.kids[:i] {
			rank += kid.count
		}
		if found {
			return rank + n.kids[i].count
		}
		n = n.kids[i]
	}
	return rank
}

// own returns n, or a copy of it, that this edit may change.
func (t *tree[K, T]) own(n *node[T]) *node[T] {
	if n.owner == t.owner {
		return n
	}
	c := &node[T]{items: append(make([]T, 0, room(len(n.items))), n.items...), count: n.count, owner: t.owner}
	if n.kids != nil {
		c.kids = append(make([]*node[T], 0, room(len(n.items))+1), n.kids...)
	}
	return c
}

// room leaves space for a few insertions without giving every copy the space of a full node.
func room(items int) int { return min(items+4, maxItems+1) }

// set inserts item or replaces the one with its key.
func (t *tree[K, T]) set(item T) {
	if t.root == nil {
		t.root = &node[T]{items: []T{item}, count: 1, owner: t.owner}
		return
	}
	t.root = t.own(t.root)
	t.insert(t.root, t.order.key(item), item)
	if len(t.root.items) > maxItems {
		left := t.root
		middle, right := t.split(left)
		t.root = &node[T]{
			items: []T{middle}, kids: []*node[T]{left, right},
			count: left.count + right.count + 1, owner: t.owner,
		}
	}
}

// insert puts item below n, which is owned, and says whether it is new. It may leave n one item too full.
func (t *tree[K, T]) insert(n *node[T], key K, item T) bool {
	i, found := t.find(n, key)
	if found {
		n.items[i] = item
		return false
	}
	if n.kids == nil {
		n.items = insertAt(n.items, i, item)
		n.count++
		return true
	}
	kid := t.own(n.kids[i])
	n.kids[i] = kid
	grown := t.insert(kid, key, item)
	if grown {
		n.count++
	}
	if len(kid.items) > maxItems {
		middle, right := t.split(kid)
		n.items = insertAt(n.items, i, middle)
		n.kids = insertAt(n.kids, i+1, right)
	}
	return grown
}

// split takes the upper half off an overfull owned node.
func (t *tree[K, T]) split(n *node[T]) (middle T, right *node[T]) {
	half := len(n.items) / 2
	middle = n.items[half]
	right = &node[T]{items: append(make([]T, 0, room(half)), n.items[half+1:]...), owner: t.owner}
	clear(n.items[half:])
	n.items = n.items[:half]
	if n.kids != nil {
		right.kids = append(make([]*node[T], 0, room(half)+1), n.kids[half+1:]...)
		clear(n.kids[half+1:])
		n.kids = n.kids[:half+1]
	}
	n.recount()
	right.recount()
	return middle, right
}

func (n *node[T]) recount() {
	n.count = len(n.items)
	for _, kid := range n.kids {
		n.count += kid.count
	}
}

func insertAt[E any](list []E, i int, e E) []E {
	var zero E
	list = append(list, zero)
	copy(list[i+1:], list[i:])
	list[i] = e
	return list
}

func removeAt[E any](list []E, i int) ([]E, E) {
	var zero E
	e := list[i]
	copy(list[i:], list[i+1:])
	list[len(list)-1] = zero
	return list[:len(list)-1], e
}
