package engine

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestGateOpensWithTheStarts asks for more slots than there are, the late tasks
// first.
func TestGateOpensWithTheStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(4)
		var in []uint64
		for _, seq := range []uint64{8, 7, 6, 5, 4, 3, 2, 1} {
			go func() {
				if g.enter(t.Context(), seq) == nil {
					in = append(in, seq)
				}
			}()
			synctest.Wait()
		}
		expect := func(what string, want ...uint64) {
			t.Helper()
			synctest.Wait()
			if len(in) != len(want) {
				t.Fatalf("%s: %v are in, want %v", what, in, want)
			}
			for i := range want {
				if in[i] != want[i] {
					t.Fatalf("%s: %v are in, want %v", what, in, want)
				}
			}
		}
		expect("at first half of the slots", 8, 7)
		g.leave()
		expect("the earliest task is next", 8, 7, 1)
		g.widen()
		expect("a start opens a slot", 8, 7, 1, 2)
		g.widen()
		expect("and another", 8, 7, 1, 2, 3)
		g.widen()
		expect("but no more than there are", 8, 7, 1, 2, 3)
		for range 4 {
			g.leave()
			synctest.Wait()
		}
		expect("all had their turn", 8, 7, 1, 2, 3, 4, 5, 6)
		for range 2 {
			g.leave()
		}
		if g.used != 1 || g.open != 4 {
			t.Errorf("%d of %d slots used before the pause", g.used, g.open)
		}
		g.leave()
		if g.used != 0 || g.open != 2 {
			t.Errorf("%d of %d slots used after the pause", g.used, g.open)
		}
	})
}

// TestGateForgetsWhoGaveUp cancels one that waits.
func TestGateForgetsWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		if err := g.enter(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- g.enter(ctx, 2) }()
		synctest.Wait()
		cancel()
		if err := <-gone; err == nil {
			t.Error("let in although it gave up")
		}
		g.leave()
		if err := g.enter(t.Context(), 3); err != nil || g.used != 1 {
			t.Errorf("%v, %d slots used", err, g.used)
		}
	})
}
