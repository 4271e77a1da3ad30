package runtime

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/image"
)

func TestArguments(t *testing.T) {
	img := ocispec.ImageConfig{Entrypoint: []string{"/entry"}, Cmd: []string{"cmd"}}
	for _, c := range []struct {
		name       string
		entry, cmd []string
		want       string
	}{
		{"the image's", nil, nil, "/entry cmd"},
		{"command", nil, []string{"mine"}, "/entry mine"},
		{"entry point drops the image's command", []string{"/mine"}, nil, "/mine"},
		{"both", []string{"/mine"}, []string{"a", "b"}, "/mine a b"},
		{"empty entry point takes away the image's", []string{}, []string{"/b"}, "/b"},
		{"empty command takes away the image's", nil, []string{}, "/entry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(arguments(Spec{EntryPoint: c.entry, Command: c.cmd}, img), " ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	got := environment(Spec{Hostname: "box", Env: []string{"A=mine", "B", "D=1", "D=2", "E="}}, []string{"PATH=/bin", "A=image", "B=image", "C=image"})
	want := []string{"PATH=/bin", "HOSTNAME=box", "A=mine", "C=image", "D=2", "E="}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangeCaps(t *testing.T) {
	base := []string{"CAP_A", "CAP_B"}
	for _, c := range []struct {
		name      string
		add, drop []string
		want      string
	}{
		{"as they are", nil, nil, "CAP_A CAP_B"},
		{"one more", []string{"CAP_C"}, nil, "CAP_A CAP_B CAP_C"},
		{"one that is there", []string{"CAP_A"}, nil, "CAP_A CAP_B"},
		{"one less", nil, []string{"CAP_A"}, "CAP_B"},
		{"none", nil, []string{"ALL"}, ""},
		{"only one", []string{"CAP_C"}, []string{"ALL"}, "CAP_C"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(changeCaps(base, c.add, c.drop), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	all := changeCaps(base, []string{"ALL"}, []string{"CAP_SYS_ADMIN"})
	if slices.Contains(all, "CAP_SYS_ADMIN") || !slices.Contains(all, "CAP_NET_ADMIN") {
		t.Errorf("all but one = %q", all)
	}
	if !slices.Equal(base, []string{"CAP_A", "CAP_B"}) {
		t.Errorf("the list that was passed changed to %q", base)
	}
}

func built(t *testing.T, spec Spec, mode cgroup.Mode, swap bool) *specs.Spec {
	t.Helper()
	img := &image.Description{Config: ocispec.ImageConfig{Cmd: []string{"/run"}}}
	s, err := build(spec, img, host{cgroup: "/i/t/c", mode: mode, swap: swap, netns: "/host/net", init: "/usr/bin/init"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		spec Spec
		swap bool
		want string
	}{
		{"none", Spec{}, true, `{}`},
		{"cpu", Spec{CPUShares: 512}, true, `{"cpu":{"shares":512}}`},
		{"cpu below the kernel's floor", Spec{CPUShares: 1}, true, `{"cpu":{"shares":2}}`},
		{"memory, swap twice", Spec{MemoryLimit: 100}, true, `{"memory":{"limit":100,"swap":200}}`},
		{"memory, own swap", Spec{MemoryLimit: 100, MemorySwap: 100}, true, `{"memory":{"limit":100,"swap":100}}`},
		{"memory, swap not counted", Spec{MemoryLimit: 100}, false, `{"memory":{"limit":100}}`},
		{"reservation", Spec{MemoryReservation: 50}, true, `{"memory":{"reservation":50}}`},
		{"processes", Spec{PidsLimit: 7}, true, `{"pids":{"limit":7}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := built(t, c.spec, cgroup.V1, c.swap).Linux.Resources
			res.Devices = nil
			got, err := json.Marshal(res)
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	network := func(s *specs.Spec) string {
		i := slices.IndexFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
		return s.Linux.Namespaces[i].Path
	}
	for _, c := range []struct {
		name string
		spec Spec
		want string
	}{
		{"an empty one", Spec{}, ""},
		{"made for it", Spec{NetNS: "/run/ns"}, "/run/ns"},
		{"the agent's", Spec{HostNetwork: true}, "/host/net"},
		{"the agent's by name", Spec{HostNetwork: true, NetNS: "/run/host"}, "/run/host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := network(built(t, c.spec, cgroup.V1, true)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	private := specs.LinuxNamespace{Type: specs.CgroupNamespace}
	if slices.Contains(built(t, Spec{}, cgroup.V1, true).Linux.Namespaces, private) || !slices.Contains(built(t, Spec{}, cgroup.V2, true).Linux.Namespaces, private) {
		t.Error("the cgroup namespace is private on v2 alone")
	}
}

func TestMountList(t *testing.T) {
	s := built(t, Spec{
		Mounts:  []Mount{{Source: "/h/deep", Destination: "/a/b/c"}, {Source: "/h", Destination: "/a/", ReadOnly: true}, {Source: "/shm", Destination: "/dev/shm"}},
		Tmpfs:   map[string]string{"/a/t": "size=1m,exec"},
		ShmSize: 1 << 20, Init: true,
	}, cgroup.V1, true)
	var got []string
	for _, m := range s.Mounts[6:] { // behind the six of Docker's seven that stay
		got = append(got, m.Destination+" "+m.Source+" "+strings.Join(m.Options, ","))
	}
	want := []string{
		"/a /h rbind,rprivate,ro",
		"/a/t tmpfs nosuid,nodev,size=1m,exec",
		"/dev/shm /shm rbind,rprivate,rw",
		"/a/b/c /h/deep rbind,rprivate,rw",
		"/sbin/docker-init /usr/bin/init bind,ro",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if args := strings.Join(s.Process.Args, " "); args != "/sbin/docker-init -- /run" {
		t.Errorf("arguments = %q", args)
	}
}

func TestRefusedSpecs(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spec       Spec
	}{
		{"no such capability", `unknown capability: "CAP_NOPE"`, Spec{CapAdd: []string{"nope"}}},
		{"no such security option", "not supported on this instance", Spec{SecurityOpt: []string{"seccomp=/profile.json"}}},
		{"no such limit", "invalid ulimit type: nope", Spec{Ulimits: []Ulimit{{Name: "nope"}}}},
		{"soft over hard", "soft limit must be less", Spec{Ulimits: []Ulimit{{"nofile", 2, 1}}}},
		{"soft without end", "soft limit must be less", Spec{Ulimits: []Ulimit{{"nofile", -1, 1}}}},
		{"relative mount", "mount path must be absolute", Spec{Mounts: []Mount{{"/h", "rel", false, false}}}},
		{"mount over the root", "destination can't be '/'", Spec{Mounts: []Mount{{"/h", "//", false, false}}}},
		{"two mounts at one place", "Duplicate mount point: /a", Spec{Mounts: []Mount{{"/h", "/a", false, false}}, Tmpfs: map[string]string{"/a/": ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := build(c.spec, &image.Description{Config: ocispec.ImageConfig{Cmd: []string{"/run"}}}, host{mode: cgroup.V1})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
		})
	}
	if _, err := build(Spec{}, &image.Description{}, host{}); err == nil || err.Error() != "no command specified" {
		t.Errorf("error = %v", err)
	}
}

func TestPrivileged(t *testing.T) {
	s := built(t, Spec{Privileged: true}, cgroup.V1, true)
	if s.Linux.Seccomp != nil || s.Linux.MaskedPaths != nil || s.Linux.ReadonlyPaths != nil || !s.Linux.Resources.Devices[0].Allow {
		t.Errorf("a privileged container is confined: %+v", s.Linux)
	}
	s = built(t, Spec{}, cgroup.V1, true)
	if s.Linux.Seccomp == nil || len(s.Linux.MaskedPaths) == 0 || s.Linux.Resources.Devices[0].Allow || len(s.Process.Capabilities.Effective) != 14 {
		t.Errorf("an ordinary container is not confined: %+v", s.Linux)
	}
}

func TestProcessStart(t *testing.T) {
	age := time.Since(processStart(uint32(os.Getpid())))
	if age < -time.Second || age > time.Hour {
		t.Errorf("this process is %v old", age)
	}
	if !processStart(1 << 30).IsZero() {
		t.Error("a process that cannot be has a start")
	}
}
