package instance

import (
	"slices"
	"strings"
	"testing"
)

const mountinfo = `22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
90 28 0:4 net:[4026532300] /run/slipway/ab12/i-1/netns rw shared:50 - nsfs nsfs rw
91 28 0:4 net:[4026532301] /run/slipway/ab12/i-1/agent/netns/veth1 rw - nsfs nsfs rw
92 28 0:4 net:[4026532302] /run/slipway/ab12/i-10/netns rw - nsfs nsfs rw
93 28 0:4 / /run/slipway/ab12/i-1/with\040space\011tab\012line\134back rw - tmpfs tmpfs rw
short line
94 28 0:4 / /run/slipway/ab12/i-1 rw - tmpfs tmpfs rw
`

func TestMountPoints(t *testing.T) {
	for _, c := range []struct {
		name, dir string
		want      []string
	}{
		{"at and below, in order", "/run/slipway/ab12/i-1", []string{
			"/run/slipway/ab12/i-1/netns", "/run/slipway/ab12/i-1/agent/netns/veth1",
			"/run/slipway/ab12/i-1/with space\ttab\nline\\back", "/run/slipway/ab12/i-1",
		}},
		{"not what only begins alike", "/run/slipway/ab12/i-10", []string{"/run/slipway/ab12/i-10/netns"}},
		{"none", "/run/slipway/ab12/i-2", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := mountPoints(strings.NewReader(mountinfo), c.dir)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		``: ``, `/plain`: `/plain`, `a\040b`: `a b`, `\011\012`: "\t\n", `\134040`: `\040`, `\134\134`: `\\`, `\041`: `\041`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
