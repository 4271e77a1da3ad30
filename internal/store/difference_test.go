package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// numbers are trees of key and value.
type number struct{ key, value int }

var numberOrder = &order[int, number]{
	key:     func(n number) int { return n.key },
	compare: func(k int, n number) int { return k - n.key },
}

// What diff tells is what comparing all items tells, whatever was done between the versions and wherever it begins
// and ends.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := tree[int, number]{order: numberOrder}.edit()
		before := map[int]int{}
		for range rapid.IntRange(0, 3000).Draw(t, "size") {
			k := rapid.IntRange(0, 5000).Draw(t, "key")
			old.set(number{k, 0})
			before[k] = 0
		}
		now := old.edit()
		after := maps.Clone(before)
		for range rapid.IntRange(0, 60).Draw(t, "edits") {
			k := rapid.IntRange(0, 5000).Draw(t, "edited")
			if rapid.Bool().Draw(t, "delete") {
				now.delete(k)
				delete(after, k)
				continue
			}
			v := rapid.IntRange(1, 3).Draw(t, "value")
			now.set(number{k, v})
			after[k] = v
		}
		from := rapid.IntRange(0, 5000).Draw(t, "from")
		end := rapid.IntRange(from, 5001).Draw(t, "end")
		var got, want []string
		say := func(k int, x, y int, hasX, hasY bool) string { return fmt.Sprint(k, x, y, hasX, hasY) }
		diff(&old, &now, from, func(k int) bool { return k < end }, func(x, y number) bool { return x == y },
			func(x, y number, hasX, hasY bool) bool {
				got = append(got, say(max(x.key, y.key), x.value, y.value, hasX, hasY))
				return true
			})
		for k := from; k < end; k++ {
			x, hasX := before[k]
			y, hasY := after[k]
			if hasX != hasY || x != y {
				want = append(want, say(k, x, y, hasX, hasY))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("diff tells\n%v\nwant\n%v", got, want)
		}
	})
}

// What two versions share is not read: a change among many costs a few steps.
func TestDiffReadsLittle(t *testing.T) {
	old := tree[int, number]{order: numberOrder}.edit()
	for k := range 100_000 {
		old.set(number{k, 0})
	}
	now := old.edit()
	now.set(number{50_000, 1})
	compared := 0
	diff(&old, &now, 0, func(int) bool { return true }, func(x, y number) bool { compared++; return x == y },
		func(number, number, bool, bool) bool { return true })
	if compared > 4*maxItems {
		t.Errorf("%d items compared", compared)
	}
}

func BenchmarkDiff(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		old := tree[int, number]{order: numberOrder}.edit()
		for k := range size {
			old.set(number{k, 0})
		}
		now := old.edit()
		now.set(number{size / 2, 1})
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				diff(&old, &now, 0, func(int) bool { return true }, func(x, y number) bool { return x == y },
					func(number, number, bool, bool) bool { return true })
			}
		})
	}
}
