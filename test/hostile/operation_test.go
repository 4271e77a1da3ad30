package hostile

import (
	"testing"

	"pgregory.net/rapid"
)

// The table of modelled codes and the served operations are the same.
func TestEveryServedOperationIsAttacked(t *testing.T) {
	p := open(t)
	if len(p.ops) == 0 {
		t.Fatal("nothing is served")
	}
	for _, op := range p.ops {
		if _, ok := codes[op.Action]; !ok {
			t.Errorf("%s is not in testdata/errors.txt", op.Action)
		}
	}
	if len(codes) > len(p.ops) {
		t.Errorf("testdata/errors.txt has %d operations and the server %d", len(codes), len(p.ops))
	}
}

// Whatever an operation is given, it answers as its model says, tells nothing of
// others, and leaves a server that works and records that agree.
func TestOperationsSurviveAnyInput(t *testing.T) {
	p := open(t)
	victim := seed(t, p.account(t, regions[0]))
	for _, op := range p.ops {
		t.Run(op.Action, func(t *testing.T) {
			t.Parallel()
			w := seed(t, p.account(t, regions[0]))
			rapid.Check(t, func(rt *rapid.T) {
				body := newMaker(rapidDice(rt), w, victim).input(op)
				if _, err := w.attack(t.Context(), op, body); err != nil {
					rt.Fatalf("%s: %v\ninput: %.3000q", op.Action, err, body)
				}
			})
			p.healthy(t)
			if _, err := w.describe(t.Context()); err != nil {
				t.Error(err)
			}
			if err := broken(p.srv.ECS.Store().Snapshot(), w.scope()); err != nil {
				t.Error(err)
			}
		})
	}
}
