package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// several is how many containers the larger tasks have.
const several = 4

// afterStart is how long CPU time is counted after the last first instruction:
// what is reported and written of a start belongs to it.
const afterStart = 300 * time.Millisecond

// contestant starts containers in one way; end removes them.
type contestant struct {
	name       string
	family     string // of those that differ in the number of containers alone
	containers int
	withoutCPU bool // it is not known
	start      func(ctx context.Context, round int) error
	end        func(ctx context.Context, round int) error

	took, cpu series
}

// benchContainers: tasks of one and of several containers.
func benchContainers(ctx context.Context, o options) error {
	b, err := newBeacons()
	if err != nil {
		return err
	}
	defer b.close()
	m, err := newMeter()
	if err != nil {
		return err
	}
	defer m.close()
	c, err := startCluster(ctx, o, 1)
	if err != nil {
		return err
	}
	defer c.close()
	if err := m.watch(ctx, c); err != nil {
		return err
	}
	reference, err := newCtr(ctx, c, o.web, b)
	if err != nil {
		return err
	}
	defer reference.close(context.WithoutCancel(ctx))
	peer, err := newDocker(ctx, o.web, b)
	if err != nil {
		return err
	}
	defer peer.close(context.WithoutCancel(ctx))
	all, err := c.contestants(ctx, b, reference, peer)
	if err != nil {
		return err
	}
	for round := -1; round < o.rounds; round++ { // the first pulls the image and fills caches
		for _, k := range all {
			took, cpu, err := k.once(ctx, b, m, reference, round)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			if round >= 0 {
				k.took.add(took)
				k.cpu.add(cpu)
			}
		}
	}
	showStarts(all)
	return nil
}

func (c *cluster) contestants(ctx context.Context, b *beacons, reference *ctr, peer *docker) ([]*contestant, error) {
	var all []*contestant
	for _, n := range []int{1, several} {
		family := fmt.Sprint("host-", n)
		if err := c.register(ctx, family, "host", n, b); err != nil {
			return nil, err
		}
		all = append(all,
			&contestant{
				name: "ctr run -d", family: "ctr", containers: n,
				start: func(ctx context.Context, round int) error {
					return inTurn(names(n, round), func(id string) error { return reference.run(ctx, id, true) })
				},
				end: func(ctx context.Context, round int) error { return reference.remove(ctx, names(n, round)...) },
			},
			&contestant{
				name: "RunTask", family: "slipway", containers: n,
				start: func(ctx context.Context, _ int) error { return c.run(ctx, family, 1) },
				end:   func(ctx context.Context, _ int) error { return c.stopAll(ctx) },
			})
		if n > 1 {
			all = append(all, &contestant{
				name: "ctr run -d, all at once", family: "ctr", containers: n,
				start: func(ctx context.Context, round int) error { return reference.runMany(ctx, names(n, round), n) },
				end:   func(ctx context.Context, round int) error { return reference.remove(ctx, names(n, round)...) },
			})
		}
		if peer != nil {
			all = append(all, peer.contestant(n))
		}
	}
	return all, nil
}

func (d *docker) contestant(n int) *contestant {
	return &contestant{
		name: "docker run -d, " + d.version, family: "docker", containers: n, withoutCPU: true,
		start: func(ctx context.Context, round int) error {
			return inTurn(names(n, round), func(id string) error { return d.run(ctx, id, "beacon", "/beacon/sock", id) })
		},
		end: func(ctx context.Context, round int) error { return d.remove(ctx, names(n, round)...) },
	}
}

// names are the ids of a round's containers.
func names(n, round int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("ref-%d-%d-%d", n, round+1, i)
	}
	return out
}

func inTurn(ids []string, do func(id string) error) error {
	for _, id := range ids {
		if err := do(id); err != nil {
			return err
		}
	}
	return nil
}

// once starts and removes the contestant's containers, and gives the time to the
// last one's first instruction, and the CPU time.
func (k *contestant) once(ctx context.Context, b *beacons, m *meter, reference *ctr, round int) (took, cpu time.Duration, err error) {
	before, err := m.read()
	if err != nil {
		return 0, 0, err
	}
	before += time.Duration(reference.cpu.Load())
	var started sync.WaitGroup
	var failed error
	begin := time.Now()
	started.Go(func() { failed = k.start(ctx, round) })
	_, last, err := b.await(ctx, k.containers)
	started.Wait()
	if failed != nil || err != nil {
		return 0, 0, errors.Join(failed, err)
	}
	<-time.After(afterStart)
	after, err := m.read()
	if err != nil {
		return 0, 0, err
	}
	after += time.Duration(reference.cpu.Load())
	return last.Sub(begin), after - before, k.end(ctx, round)
}

// showStarts compares all with the first one of as many containers.
func showStarts(all []*contestant) {
	fmt.Printf("%-34s %9s %9s %9s %9s %9s %12s\n", "until the last one's instruction", "p50 ms", "p95 ms", "ratio", "CPU ms", "ratio", "each further")
	ones := map[string]*series{}
	var to *contestant
	for _, k := range all {
		if to == nil || to.containers != k.containers {
			to = k
		}
		fmt.Printf("%-34s %9.1f %9.1f %9.2f", fmt.Sprint(k.containers, " × ", k.name), ms(k.took.at(.5)), ms(k.took.at(.95)), ratio(&k.took, &to.took))
		if k.withoutCPU {
			fmt.Printf(" %9s %9s", "-", "-")
		} else {
			fmt.Printf(" %9.1f %9.2f", ms(k.cpu.at(.5)), ratio(&k.cpu, &to.cpu))
		}
		if one := ones[k.family]; one != nil {
			fmt.Printf(" %9.1f ms", ms(further(one, &k.took, k.containers)))
		} else {
			ones[k.family] = &k.took
		}
		fmt.Println()
	}
}

// further is the median cost of each container after the first, in the same
// round.
func further(one, all *series, containers int) time.Duration {
	var each series
	for i := range min(len(one.took), len(all.took)) {
		each.add((all.took[i] - one.took[i]) / time.Duration(containers-1))
	}
	return each.at(.5)
}
