package runtime

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agent/cgroup"
)

func TestParseInterfaces(t *testing.T) {
	const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0
  eth0: 100 2 3 4 0 0 0 0 500 6 7 8 0 0 0 0
eth1:1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0
`
	want := map[string]InterfaceUsage{
		"eth0": {RxBytes: 100, RxPackets: 2, RxErrors: 3, RxDropped: 4, TxBytes: 500, TxPackets: 6, TxErrors: 7, TxDropped: 8},
		"eth1": {RxBytes: 1, TxBytes: 2},
	}
	if diff := cmp.Diff(want, parseInterfaces([]byte(text))); diff != "" {
		t.Error(diff)
	}
}

func TestParseStat(t *testing.T) {
	total, cpus := parseStat([]byte("cpu  100 20 30 400 5 6 7 8 1000 1000\ncpu0 50 10 15 200 0 0 0 0 0 0\ncpu1 50 10 15 200 5 6 7 8 0 0\nintr 1 2 3\ncpu9 1\n"))
	if total != 5760*time.Millisecond || cpus != 2 {
		t.Errorf("parseStat = %v, %d", total, cpus)
	}
}

func TestTmpfsOptions(t *testing.T) {
	for _, c := range []struct{ asked, want, err string }{
		{"", "noexec,nosuid,nodev", ""},
		{"size=64m,exec", "nosuid,nodev,size=64m,exec", ""},
		{"ro,rw,noexec,exec,noexec", "nosuid,nodev,rw,noexec", ""},
		{"mode=1777,mode=700,uid=1,gid=2,nr_inodes=10k", "noexec,nosuid,nodev,mode=700,uid=1,gid=2,nr_inodes=10k", ""},
		{"private,rshared", "noexec,nosuid,nodev,rshared", ""},
		{"defaults", "noexec,nosuid,nodev,defaults", ""},
		{"size", "", `invalid tmpfs option "size"`},
		{"uid=0,lowerdir=/etc", "", `invalid tmpfs option "lowerdir=/etc"`},
	} {
		got, err := tmpfsOptions(c.asked)
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("%q: %v", c.asked, err)
			}
		case err != nil || !cmp.Equal(got, strings.Split(c.want, ",")):
			t.Errorf("%q = %v, %v; want %s", c.asked, got, err, c.want)
		}
	}
}

func TestSysctls(t *testing.T) {
	for _, c := range []struct {
		name string
		spec Spec
		ok   bool
	}{
		{"net.ipv4.tcp_syncookies", Spec{}, true},
		{"net/ipv4/conf/eth0.1/forwarding", Spec{}, true},
		{"net.core.somaxconn", Spec{HostNetwork: true}, false},
		{"net/core/somaxconn", Spec{HostNetwork: true}, false},
		{"kernel.shmmax", Spec{}, true},
		{"fs.mqueue.msg_max", Spec{IPCMode: "host"}, false},
		{"kernel.sem", Spec{IPCMode: "host"}, false},
		{"kernel.panic", Spec{}, false},
		{"vm.swappiness", Spec{}, false},
	} {
		c.spec.Sysctls = map[string]string{c.name: "1"}
		if err := checkSysctls(c.spec); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSecurityOptions(t *testing.T) {
	enforcing := host{apparmor: true, selinux: true}
	for _, c := range []struct {
		opt  string
		h    host
		want security
		err  string
	}{
		{"no-new-privileges", host{}, security{noNewPrivileges: true}, ""},
		{"no-new-privileges=true", host{}, security{noNewPrivileges: true}, ""},
		{"no-new-privileges:false", host{}, security{}, ""},
		{"no-new-privileges=maybe", host{}, security{}, `invalid --security-opt 2: "no-new-privileges=maybe"`},
		{"seccomp=unconfined", host{}, security{unconfined: true}, ""},
		{"seccomp:unconfined", host{}, security{unconfined: true}, ""},
		{"apparmor=mine", enforcing, security{apparmor: "mine"}, ""},
		{"apparmor=mine", host{}, security{}, ""},
		{"apparmor=unconfined", enforcing, security{}, ""},
		{"label=type:svirt_t", host{}, security{}, ""},
		{"label:disable", enforcing, security{}, ""},
		{"label=type:svirt_t", enforcing, security{}, `SELinux labels are not supported on this instance: "label=type:svirt_t"`},
		{"nonsense", host{}, security{}, `invalid --security-opt 1: "nonsense"`},
		{"non=sense", host{}, security{}, `invalid --security-opt 2: "non=sense"`},
	} {
		got, err := parseSecurity(Spec{SecurityOpt: []string{c.opt}}, c.h)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: %v, want %s", c.opt, err, c.err)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s = %+v, %v; want %+v", c.opt, got, err, c.want)
		}
	}
}

// A swappiness cannot be set on v2, where Docker drops it without a word.
func TestSwappiness(t *testing.T) {
	asked := Spec{MemorySwappiness: new(int64(0))}
	if s := built(t, asked, cgroup.V1, true); s.Linux.Resources.Memory == nil || *s.Linux.Resources.Memory.Swappiness != 0 {
		t.Errorf("v1: %+v", s.Linux.Resources.Memory)
	}
	if s := built(t, asked, cgroup.V2, true); s.Linux.Resources.Memory != nil {
		t.Errorf("v2: %+v", s.Linux.Resources.Memory)
	}
}
