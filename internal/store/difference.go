package store

import "iter"

// Differences walks the records of By(index, value) that are not the same on two snapshots, in key order: the record
// before and after, nil where there is none. With index "" the value is a prefix of keys. It costs what has changed
// between the two, not what there is.
func (t *Table[T]) Differences(from, to *Snapshot, index, value string) iter.Seq2[*T, *T] {
	sub := subscription{table: from.schema.table(t.def), index: -1, value: value}
	if index != "" {
		sub.index = t.def.index(index)
	}
	return func(yield func(before, after *T) bool) {
		differences(from, to, sub, func(before, after *entry) bool { return yield(recordOf[T](before), recordOf[T](after)) })
	}
}

func recordOf[T any](e *entry) *T {
	if e == nil {
		return nil
	}
	return e.rec.(*T)
}

// same says whether two snapshots agree on what is subscribed to.
func same(a, b *Snapshot, sub subscription) bool {
	agree := true
	differences(a, b, sub, func(_, _ *entry) bool {
		agree = false
		return false
	})
	return agree
}

// differences yields the entries that sub is about and that are not the same, until yield returns false.
func differences(a, b *Snapshot, sub subscription, yield func(before, after *entry) bool) {
	olds, news := a.tables[sub.table], b.tables[sub.table]
	switch {
	case olds == news:
	case sub.index < 0:
		diff(&olds.byKey, &news.byKey, sub.value,
			func(key string) bool { return len(key) >= len(sub.value) && key[:len(sub.value)] == sub.value },
			func(x, y *entry) bool { return x == y },
			func(x, y *entry, _, _ bool) bool { return yield(x, y) })
	default:
		diff(&olds.byIndex[sub.index], &news.byIndex[sub.index], postingKey{value: sub.value},
			func(key postingKey) bool { return key.value == sub.value },
			func(x, y posting) bool { return x.entry == y.entry },
			func(x, y posting, _, _ bool) bool { return yield(x.entry, y.entry) })
	}
}

// diff walks two versions of a tree from the key start on, as long as keys are within, and yields where the items are
// not equal; hasX and hasY tell whether the old and the new one are there. What the versions share is skipped unread.
func diff[K, T any](x, y *tree[K, T], start K, within func(K) bool, equal func(x, y T) bool, yield func(x, y T, hasX, hasY bool) bool) {
	order := x.order
	a, b := x.at(start), y.at(start)
	for {
		left, right := a.peek(), b.peek()
		if left.skip(right) {
			a.pass()
			b.pass()
			continue
		}
		if into := left.bigger(right); into != neither {
			if into != second {
				a.enter()
			}
			if into != first {
				b.enter()
			}
			continue
		}
		var zero T
		inX, inY := left.there && within(order.key(left.item)), right.there && within(order.key(right.item))
		if !inX && !inY {
			return
		}
		c := 0
		switch {
		case !inX:
			c = 1
		case !inY:
			c = -1
		default:
			c = order.compare(order.key(left.item), right.item)
		}
		more := true
		switch {
		case c < 0:
			more = yield(left.item, zero, true, false)
			a.pass()
		case c > 0:
			more = yield(zero, right.item, false, true)
			b.pass()
		default:
			if !equal(left.item, right.item) {
				more = yield(left.item, right.item, true, true)
			}
			a.pass()
			b.pass()
		}
		if !more {
			return
		}
	}
}

// stepper walks a version of a tree in order, as a cursor does, but stops before each node and can pass over it whole.
type stepper[T any] struct {
	stack [maxDepth]step[T]
	depth int
}

// step is a place in a node: before its kid i, or, if that is behind, before its item i.
type step[T any] struct {
	n      *node[T]
	i      int
	behind bool
}

// place is what is next: a node to enter or to pass, or an item, or nothing.
type place[T any] struct {
	node  *node[T]
	item  T
	there bool // an item
}

// at is a stepper before the first item that is not before key.
func (t *tree[K, T]) at(key K) (s stepper[T]) {
	for n := t.root; n != nil; {
		i, found := t.find(n, key)
		s.stack[s.depth] = step[T]{n, i, true}
		s.depth++
		if found || n.kids == nil {
			break
		}
		n = n.kids[i]
	}
	return s
}

func (s *stepper[T]) peek() (p place[T]) {
	for s.depth > 0 {
		top := &s.stack[s.depth-1]
		switch {
		case top.n.kids != nil && !top.behind:
			p.node = top.n.kids[top.i]
			return p
		case top.i < len(top.n.items):
			p.item, p.there = top.n.items[top.i], true
			return p
		}
		s.depth--
	}
	return p
}

// pass goes behind what peek showed.
func (s *stepper[T]) pass() {
	top := &s.stack[s.depth-1]
	if top.n.kids != nil && !top.behind {
		top.behind = true
		return
	}
	top.i++
	top.behind = false
}

// enter goes into the node that peek showed.
func (s *stepper[T]) enter() {
	top := &s.stack[s.depth-1]
	top.behind = true
	s.stack[s.depth] = step[T]{n: top.n.kids[top.i]}
	s.depth++
}

// skip says whether both places are before the same node.
func (p place[T]) skip(q place[T]) bool { return p.node != nil && p.node == q.node }

type side uint8

const (
	neither side = iota
	first
	second
	both
)

// bigger says which of two places to look into: the node with more below it, for the other may be shared within it.
func (p place[T]) bigger(q place[T]) side {
	switch {
	case p.node == nil && q.node == nil:
		return neither
	case q.node == nil:
		return first
	case p.node == nil:
		return second
	case p.node.count > q.node.count:
		return first
	case p.node.count < q.node.count:
		return second
	}
	return both
}
