package runtime

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway/slipway/internal/agent/cgroup"
)

func TestProbe(t *testing.T) {
	const works, broken = "#!/bin/sh\n", "#!/bin/sh\nexit 1\n"
	for _, c := range []struct {
		name       string
		crun, runc string // scripts; "" = not installed
		mode       cgroup.Mode
		want       string
	}{
		{"both on v2", works, works, cgroup.V2, "crun"},
		{"both on v1", works, works, cgroup.V1, "crun"},
		{"both on hybrid", works, works, cgroup.Hybrid, "runc"},
		{"no crun", "", works, cgroup.V2, "runc"},
		{"broken crun", broken, works, cgroup.V2, "runc"},
		{"only crun", works, "", cgroup.V2, "crun"},
		{"only crun on hybrid", works, "", cgroup.Hybrid, ""},
		{"none", "", "", cgroup.V2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, script := range map[string]string{"crun": c.crun, "runc": c.runc} {
				if script == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir)
			want := ""
			if c.want != "" {
				want = filepath.Join(dir, c.want)
			}
			if got, err := Probe(t.Context(), c.mode); got != want || (err == nil) != (want != "") {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}
