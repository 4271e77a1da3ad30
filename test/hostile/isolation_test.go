package hostile

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/service/ecs"
)

// What one account does in one region shows and changes nothing of another
// account, nor of the same account in another region, however well it knows
// their names.
func TestNothingLeaksBetweenAccountsAndRegions(t *testing.T) {
	p := open(t)
	attacker := seed(t, p.account(t, regions[0]))
	victim := seed(t, p.account(t, regions[0]))
	elsewhere := seed(t, &caller{plane: p, key: victim.key, region: regions[1]})
	abroad := seed(t, &caller{plane: p, key: attacker.key, region: regions[1]})
	others := []*world{victim, elsewhere, abroad}
	var before []object
	for _, w := range others {
		before = append(before, w.still(t))
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := rapidDice(rt)
		for range 20 {
			op := one(d, p.ops)
			body := newMaker(d, victim, elsewhere, abroad).input(op)
			got, err := attacker.attack(t.Context(), op, body)
			if err != nil {
				rt.Fatalf("%s: %v\ninput: %.3000q", op.Action, err, body)
			}
			// Names of things hold their region; AWS's answers hold no other one's.
			if far := []byte(":" + abroad.region + ":"); bytes.Contains(got.body, far) && !said(body, far) {
				rt.Fatalf("%s tells of another region: %.1000s\ninput: %.3000q", op.Action, got.body, body)
			}
		}
	})
	for i, w := range others {
		if diff := cmp.Diff(before[i], w.still(t)); diff != "" {
			t.Errorf("account %s in %s changed (-before +after):\n%s", w.key.Account, w.region, diff)
		}
	}
}

// still describes a world once its services have done what they were made to.
func (w *world) still(t *testing.T) object {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	for {
		snap := w.plane.srv.ECS.Store().Snapshot()
		out := w.must(t, "ecs:DescribeServices", object{"services": []string{"svc", "idle"}})
		if settled(out) {
			break
		}
		select {
		case <-ecs.Services.Changed(snap, "", w.scope().Key("default", "svc")):
		case <-ecs.Deployments.Changed(snap, ecs.IndexLiveDeployments, w.scope().Key("default", "idle")):
		case <-ecs.Tasks.Changed(snap, ecs.IndexService, w.scope().Key("default", "svc")):
		case <-ctx.Done():
			t.Fatalf("the services do not settle: %v", out)
		}
	}
	all, err := w.describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// settled: the task of svc waits for an agent that never starts it, and idle has
// nothing to do.
func settled(out object) bool {
	events, _ := pick(out, "services", 0, "events").([]any)
	return pick(out, "services", 0, "pendingCount") == 1.0 && len(events) > 0 &&
		pick(out, "services", 1, "deployments", 0, "rolloutState") == "COMPLETED"
}

// said tells whether the caller named it: answers repeat what they refuse. Forms
// are escaped.
func said(body, what []byte) bool {
	plain, err := url.QueryUnescape(string(body))
	return bytes.Contains(body, what) || err == nil && strings.Contains(plain, string(what))
}
