package health

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

func TestVerdicts(t *testing.T) {
	const u, h, x = lifecycle.Unknown, lifecycle.Healthy, lifecycle.Unhealthy
	cases := map[string]struct {
		rules   Rules
		results string // . passed, x failed; one every 10 s, the first at 10 s
		want    []lifecycle.Health
	}{
		"healthy at the first success":       {Rules{Retries: 3}, ".", []lifecycle.Health{h}},
		"unknown until retries are used up":  {Rules{Retries: 3}, "xxx", []lifecycle.Health{u, u, x}},
		"one retry":                          {Rules{Retries: 1}, "x", []lifecycle.Health{x}},
		"a success between starts again":     {Rules{Retries: 2}, "x.x.xx", []lifecycle.Health{u, h, h, h, h, x}},
		"unhealthy recovers at once":         {Rules{Retries: 2}, "xx.xx", []lifecycle.Health{u, x, h, h, x}},
		"failures of the start do not count": {Rules{Retries: 1, StartPeriod: 25 * time.Second}, "xxx", []lifecycle.Health{u, u, x}},
		"a success ends the start period":    {Rules{Retries: 2, StartPeriod: time.Hour}, "x.xx", []lifecycle.Health{u, h, h, x}},
		"at its very end it is over":         {Rules{Retries: 1, StartPeriod: 20 * time.Second}, "xx", []lifecycle.Health{u, x}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var s State
			for i, r := range c.results {
				s = c.rules.Next(s, time.Duration(i+1)*10*time.Second, r == '.')
				if s.Verdict != c.want[i] {
					t.Fatalf("after %q: %v, want %v", c.results[:i+1], s.Verdict, c.want[i])
				}
			}
		})
	}
}

// TestVerdictProperties holds the machine against the definition, read from the
// whole history.
func TestVerdictProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{
			Retries:     rapid.IntRange(1, 10).Draw(t, "retries"),
			StartPeriod: time.Duration(rapid.IntRange(0, 300).Draw(t, "startPeriod")) * time.Second,
		}
		var (
			s      State
			at     time.Duration
			streak int // failures since the last success, those of the start left out
			passed bool
		)
		for range rapid.IntRange(1, 40).Draw(t, "checks") {
			at += time.Duration(rapid.IntRange(1, 60).Draw(t, "pause")) * time.Second
			ok := rapid.Bool().Draw(t, "ok")
			was := s.Verdict
			s = rules.Next(s, at, ok)
			switch {
			case ok:
				streak, passed = 0, true
			case passed || at >= rules.StartPeriod:
				streak++
			}
			want := lifecycle.Unknown
			switch {
			case ok, was == lifecycle.Healthy && streak < rules.Retries:
				want = lifecycle.Healthy
			case streak >= rules.Retries:
				want = lifecycle.Unhealthy
			}
			if s.Verdict != want {
				t.Fatalf("after %v, streak %d: %v, want %v", at, streak, s.Verdict, want)
			}
			if was != lifecycle.Unknown && s.Verdict == lifecycle.Unknown {
				t.Fatal("a verdict was taken back")
			}
		}
	})
}
