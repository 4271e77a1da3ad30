package store

// maxDepth is more than any tree reaches: with minItems+1 kids per node, eight levels hold billions of items.
const maxDepth = 10

// cursor walks a version of a tree in order.
type cursor[T any] struct {
	stack [maxDepth]struct {
		n *node[T]
		i int // the next item of n
	}
	depth int
}

// from is a cursor before the first item that is not before key.
func (t *tree[K, T]) from(key K) (c cursor[T]) {
	for n := t.root; n != nil; {
		i, found := t.find(n, key)
		c.push(n, i)
		if found || n.kids == nil {
			break
		}
		n = n.kids[i]
	}
	return c
}

func (c *cursor[T]) push(n *node[T], i int) {
	c.stack[c.depth].n, c.stack[c.depth].i = n, i
	c.depth++
}

// next returns the next item and whether there is one.
func (c *cursor[T]) next() (item T, ok bool) {
	for c.depth > 0 {
		top := &c.stack[c.depth-1]
		if top.i == len(top.n.items) {
			c.depth--
			continue
		}
		item = top.n.items[top.i]
		top.i++
		if top.n.kids != nil {
			c.descend(top.n.kids[top.i])
		}
		return item, true
	}
	return item, false
}

// descend goes to the first item below n.
func (c *cursor[T]) descend(n *node[T]) {
	for n != nil {
		c.push(n, 0)
		if n.kids == nil {
			return
		}
		n = n.kids[0]
	}
}
