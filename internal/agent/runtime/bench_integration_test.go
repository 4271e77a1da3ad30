//go:build integration

package runtime

import (
	"fmt"
	"os/exec"
	"testing"
)

// BenchmarkStart is create and start of one container, host network.
func BenchmarkStart(b *testing.B) {
	r := newRig(b)
	var specs []Spec
	for b.Loop() {
		spec := r.spec("wait")
		spec.HostNetwork = true
		r.start(b, spec)
		specs = append(specs, spec)
	}
	b.StopTimer()
	for _, s := range specs {
		if err := r.Remove(b.Context(), s.ID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCtr is what BenchmarkStart is measured against.
func BenchmarkCtr(b *testing.B) {
	r := newRig(b)
	ctr := func(args ...string) {
		if out, err := exec.Command("ctr", append([]string{"-a", r.daemon.Socket, "-n", "test"}, args...)...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	n := 0
	for b.Loop() {
		n++
		ctr("run", "-d", "--net-host", r.image.Name, fmt.Sprint("ctr", n), "/program", "wait")
	}
	b.StopTimer()
	for i := range n {
		ctr("tasks", "rm", "-f", fmt.Sprint("ctr", i+1))
		ctr("containers", "rm", fmt.Sprint("ctr", i+1))
	}
}

// BenchmarkUsage is one look at a running container, which happens every second
// for each.
func BenchmarkUsage(b *testing.B) {
	r := newRig(b)
	spec := r.spec("wait")
	r.start(b, spec)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Usage(b.Context(), spec.ID); err != nil {
			b.Fatal(err)
		}
	}
}
