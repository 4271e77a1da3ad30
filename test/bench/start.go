package main

import (
	"context"
	"fmt"
	"time"
)

// benchStart: one container on an idle instance, contestants in turn.
func benchStart(ctx context.Context, o options) error {
	b, err := newBeacons()
	if err != nil {
		return err
	}
	defer b.close()
	c, err := startCluster(ctx, o, 1)
	if err != nil {
		return err
	}
	defer c.close()
	reference, err := newCtr(ctx, c, o.web, b)
	if err != nil {
		return err
	}
	defer reference.close(context.WithoutCancel(ctx))
	for _, mode := range []string{"host", "bridge"} {
		if err := c.register(ctx, mode, mode, 1, b); err != nil {
			return err
		}
	}
	t, err := newTracer(ctx, reference.socket)
	if err != nil {
		return err
	}
	defer t.close()
	peer := &timeline{name: "ctr run -d (host network)"}
	host, bridge := &timeline{name: "RunTask, host"}, &timeline{name: "RunTask, bridge"}
	for round := -1; round < o.rounds; round++ {
		id := fmt.Sprintf("ref-%d", round+1)
		contestants := []struct {
			into  *timeline
			start func() error
			end   func() error
		}{
			{peer, func() error { return reference.run(ctx, id, true) }, func() error { return reference.remove(ctx, id) }},
			{host, func() error { return c.run(ctx, "host", 1) }, func() error { return c.stopAll(ctx) }},
			{bridge, func() error { return c.run(ctx, "bridge", 1) }, func() error { return c.stopAll(ctx) }},
		}
		for _, k := range contestants {
			took, err := c.timed(ctx, b, t, k.start)
			if err != nil {
				return err
			}
			if round >= 0 { // the first round pulls the image and fills caches
				k.into.add(took)
			}
			if err := k.end(); err != nil {
				return err
			}
		}
	}
	ends := func(l *timeline) *series {
		l.stages[running].name = l.name
		return &l.stages[running]
	}
	report(ends(peer), ends(host), ends(bridge))
	show(peer, host, bridge)
	return nil
}

// timed starts one container and waits for its first instruction.
func (c *cluster) timed(ctx context.Context, b *beacons, t *tracer, start func() error) (trace, error) {
	begin := time.Now()
	if err := start(); err != nil {
		return trace{}, err
	}
	back := time.Now()
	_, last, err := b.await(ctx, 1)
	if err != nil {
		return trace{}, err
	}
	pulled, err := c.pullStarted(ctx)
	if err != nil {
		return trace{}, err
	}
	out := t.since(begin)
	out[running] = last.Sub(begin)
	if !pulled.IsZero() {
		out[answered], out[accepted] = back.Sub(begin), pulled.Sub(begin)
	}
	return out, nil
}

const burstSize = 50

// benchBurst: 50 tasks on one instance; the last and the first to run.
func benchBurst(ctx context.Context, o options) error {
	b, err := newBeacons()
	if err != nil {
		return err
	}
	defer b.close()
	c, err := startCluster(ctx, o, 1)
	if err != nil {
		return err
	}
	defer c.close()
	reference, err := newCtr(ctx, c, o.web, b)
	if err != nil {
		return err
	}
	defer reference.close(context.WithoutCancel(ctx))
	if err := c.register(ctx, "host", "host", 1, b); err != nil {
		return err
	}
	peer, last := &series{name: "50 ctr run -d, 4 at a time: last"}, &series{name: "50 tasks: last"}
	first := &series{name: "50 tasks: first"}
	for round := -1; round < max(o.rounds/2, 3); round++ {
		ids := make([]string, burstSize)
		for i := range ids {
			ids[i] = fmt.Sprintf("ref-%d-%d", round+1, i)
		}
		begin := time.Now()
		done := make(chan error, 1)
		go func() { done <- reference.runMany(ctx, ids, 4) }()
		_, refLast, err := b.await(ctx, burstSize)
		if err != nil {
			return err
		}
		if err := <-done; err != nil {
			return err
		}
		refTook := refLast.Sub(begin)
		if err := reference.remove(ctx, ids...); err != nil {
			return err
		}
		begin = time.Now()
		go func() {
			for range burstSize / 10 {
				if err := c.run(ctx, "host", 10); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		ourFirst, ourLast, err := b.await(ctx, burstSize)
		if err != nil {
			return err
		}
		if err := <-done; err != nil {
			return err
		}
		if round >= 0 {
			peer.add(refTook)
			last.add(ourLast.Sub(begin))
			first.add(ourFirst.Sub(begin))
		}
		if err := c.stopAll(ctx); err != nil {
			return err
		}
	}
	report(peer, last, first)
	return nil
}
