package health

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
)

func TestCommandsOfChecks(t *testing.T) {
	cases := map[string]struct{ test, want []string }{
		"none said":          {nil, nil},
		"NONE":               {[]string{"NONE"}, nil},
		"CMD":                {[]string{"CMD", "/ok", "-v"}, []string{"/ok", "-v"}},
		"CMD of nothing":     {[]string{"CMD"}, []string{}},
		"shell":              {[]string{"CMD-SHELL", "curl -f localhost || exit 1"}, []string{"/bin/sh", "-c", "curl -f localhost || exit 1"}},
		"shell of nothing":   {[]string{"CMD-SHELL"}, nil},
		"bare list is a CMD": {[]string{"/ok", "-v"}, []string{"/ok", "-v"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, command(c.test)); diff != "" {
				t.Error(diff)
			}
			if _, ok := planOf(agentproto.Healthcheck{Test: c.test}); ok != (len(c.want) > 0) {
				t.Errorf("planned: %v", ok)
			}
		})
	}
}

func TestPlanDefaults(t *testing.T) {
	p, _ := planOf(agentproto.Healthcheck{Test: []string{"/ok"}})
	if p.interval != 30*time.Second || p.timeout != 5*time.Second || p.rules != (Rules{Retries: 3}) {
		t.Errorf("got %+v", p)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var o output
	for range 3 {
		if n, err := o.Write([]byte(strings.Repeat("x", 2000))); n != 2000 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := o.String(); got != strings.Repeat("x", 4096)+"..." || cap(o.kept) > 2*maxOutput {
		t.Errorf("kept %d of %d", len(got), cap(o.kept))
	}
}
