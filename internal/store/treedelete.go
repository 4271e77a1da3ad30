package store

// delete removes the item with the key and says whether there was one.
func (t *tree[K, T]) delete(key K) bool {
	if _, ok := t.get(key); !ok {
		return false
	}
	t.root = t.own(t.root)
	t.remove(t.root, key)
	switch {
	case len(t.root.items) > 0:
	case t.root.kids == nil:
		t.root = nil
	default:
		t.root = t.root.kids[0]
	}
	return true
}

// remove takes the key, which is there, out of the owned node n. It may leave n one item short.
func (t *tree[K, T]) remove(n *node[T], key K) {
	i, found := t.find(n, key)
	n.count--
	if n.kids == nil {
		n.items, _ = removeAt(n.items, i)
		return
	}
	n.kids[i] = t.own(n.kids[i])
	if found {
		n.items[i] = t.removeLast(n.kids[i])
	} else {
		t.remove(n.kids[i], key)
	}
	t.refill(n, i)
}

// removeLast takes the greatest item out of the owned node n.
func (t *tree[K, T]) removeLast(n *node[T]) (item T) {
	n.count--
	if n.kids == nil {
		n.items, item = removeAt(n.items, len(n.items)-1)
		return item
	}
	last := len(n.kids) - 1
	n.kids[last] = t.own(n.kids[last])
	item = t.removeLast(n.kids[last])
	t.refill(n, last)
	return item
}

// refill brings the i-th kid of the owned node n back to minItems, from a neighbour or by merging with one.
func (t *tree[K, T]) refill(n *node[T], i int) {
	if len(n.kids[i].items) >= minItems {
		return
	}
	switch {
	case i > 0 && len(n.kids[i-1].items) > minItems:
		t.borrowLeft(n, i)
	case i < len(n.kids)-1 && len(n.kids[i+1].items) > minItems:
		t.borrowRight(n, i)
	case i > 0:
		t.merge(n, i-1)
	default:
		t.merge(n, i)
	}
}

func (t *tree[K, T]) borrowLeft(n *node[T], i int) {
	left, kid := t.own(n.kids[i-1]), n.kids[i]
	n.kids[i-1] = left
	kid.items = insertAt(kid.items, 0, n.items[i-1])
	left.items, n.items[i-1] = removeAt(left.items, len(left.items)-1)
	if left.kids != nil {
		var moved *node[T]
		left.kids, moved = removeAt(left.kids, len(left.kids)-1)
		kid.kids = insertAt(kid.kids, 0, moved)
	}
	left.recount()
	kid.recount()
}

func (t *tree[K, T]) borrowRight(n *node[T], i int) {
	kid, right := n.kids[i], t.own(n.kids[i+1])
	n.kids[i+1] = right
	kid.items = append(kid.items, n.items[i])
	right.items, n.items[i] = removeAt(right.items, 0)
	if right.kids != nil {
		var moved *node[T]
		right.kids, moved = removeAt(right.kids, 0)
		kid.kids = append(kid.kids, moved)
	}
	kid.recount()
	right.recount()
}

// merge joins the kids i and i+1 of the owned node n with the item between them.
func (t *tree[K, T]) merge(n *node[T], i int) {
	left := t.own(n.kids[i])
	n.kids[i] = left
	var right *node[T]
	n.kids, right = removeAt(n.kids, i+1)
	var middle T
	n.items, middle = removeAt(n.items, i)
	left.items = append(append(left.items, middle), right.items...)
	left.kids = append(left.kids, right.kids...)
	left.recount()
}
