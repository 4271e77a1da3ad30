package fabric

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestCandidatesAreDistinctSixteens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := map[netip.Prefix]bool{}
		within := netip.MustParsePrefix("10.64.0.0/10")
		for _, c := range candidates(rapid.String().Draw(t, "seed")) {
			if c.Bits() != 16 || c != c.Masked() || !within.Overlaps(c) || seen[c] {
				t.Fatalf("candidate %s", c)
			}
			seen[c] = true
		}
		if len(seen) != 64 {
			t.Fatalf("%d candidates", len(seen))
		}
	})
}

func TestOverlapsAny(t *testing.T) {
	c := netip.MustParsePrefix("10.70.0.0/16")
	for name, tc := range map[string]struct {
		taken string
		want  bool
	}{
		"the same":              {"10.70.0.0/16", true},
		"inside":                {"10.70.3.0/24", true},
		"around":                {"10.0.0.0/8", true},
		"beside":                {"10.71.0.0/16", false},
		"the default route":     {"0.0.0.0/0", false},
		"somebody else's block": {"192.168.0.0/16", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := overlapsAny(c, []netip.Prefix{netip.MustParsePrefix(tc.taken)}); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
