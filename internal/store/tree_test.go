package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var intOrder = &order[int, int]{key: func(i int) int { return i }, compare: cmp.Compare[int]}

// contents walks a tree from a key on and checks its shape on the way.
func contents(t *rapid.T, tr *tree[int, int], from int) []int {
	checkShape(t, tr.root, true)
	var got []int
	c := tr.from(from)
	for i, ok := c.next(); ok; i, ok = c.next() {
		got = append(got, i)
	}
	return got
}

func checkShape(t *rapid.T, n *node[int], root bool) (depth int) {
	if n == nil {
		return 0
	}
	if len(n.items) > maxItems || !root && len(n.items) < minItems || len(n.items) == 0 {
		t.Fatalf("node has %d items", len(n.items))
	}
	count := len(n.items)
	for i, kid := range n.kids {
		count += kid.count
		d := checkShape(t, kid, false)
		if i > 0 && d != depth {
			t.Fatalf("leaves at depths %d and %d", d, depth)
		}
		depth = d
	}
	if n.kids != nil && len(n.kids) != len(n.items)+1 || count != n.count {
		t.Fatalf("node of %d items has %d kids and counts %d instead of %d", len(n.items), len(n.kids), n.count, count)
	}
	return depth + 1
}

func TestTreeAgreesWithSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			tree  tree[int, int]
			model []int
		}
		current := version{tree: tree[int, int]{order: intOrder}}
		versions := []version{current}
		for range rapid.IntRange(1, 8).Draw(t, "edits") {
			next := version{current.tree.edit(), slices.Clone(current.model)}
			adding := rapid.Bool().Draw(t, "adding")
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			for range rapid.IntRange(0, 2000).Draw(t, "items") {
				i := random.IntN(3000)
				at, found := slices.BinarySearch(next.model, i)
				if adding {
					next.tree.set(i)
					if !found {
						next.model = slices.Insert(next.model, at, i)
					}
					continue
				}
				if next.tree.delete(i) != found {
					t.Fatalf("delete(%d) = %v", i, !found)
				}
				if found {
					next.model = slices.Delete(next.model, at, at+1)
				}
			}
			versions = append(versions, next)
			current = next
		}
		probe := rapid.IntRange(-1, 3001).Draw(t, "probe")
		for n, v := range versions {
			at, found := slices.BinarySearch(v.model, probe)
			if got := contents(t, &v.tree, probe); !slices.Equal(got, v.model[at:]) {
				t.Fatalf("version %d from %d: %v, want %v", n, probe, got, v.model[at:])
			}
			if _, ok := v.tree.get(probe); ok != found {
				t.Fatalf("version %d: get(%d) = %v", n, probe, ok)
			}
			if got := v.tree.rank(probe); got != at {
				t.Fatalf("version %d: rank(%d) = %d, want %d", n, probe, got, at)
			}
			if v.tree.len() != len(v.model) {
				t.Fatalf("version %d: len = %d, want %d", n, v.tree.len(), len(v.model))
			}
		}
	})
}
