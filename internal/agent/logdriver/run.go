package logdriver

import (
	"context"
	"sync"
	"time"
)

const (
	// checkEvery bounds how far a log can grow past its size: what is written in
	// this time comes on top.
	checkEvery = time.Second
	// flushFor is how long shippers may go on after the end.
	flushFor = 3 * time.Second
)

// Run ships and cuts until ctx ends; then what is there is sent for at most
// flushFor. A driver of Docker's that hangs in a write is not waited for longer.
func (d *Drivers) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { d.watch(ctx) })
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-d.changed:
			d.startPending(ctx, &wg)
		case <-tick.C:
			d.cutAll()
		}
	}
	d.wait(&wg)
}

func (d *Drivers) startPending(ctx context.Context, wg *sync.WaitGroup) {
	d.mu.Lock()
	todo := d.pending
	d.pending = nil
	d.mu.Unlock()
	for _, o := range todo {
		wg.Go(func() { o.ship(ctx) })
	}
}

func (d *Drivers) wait(wg *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(flushFor + time.Second):
		d.cfg.Log.Warn("log destinations hang; their logs are sent again later")
	}
}

// enqueue hands an output to Run, once; mu is held.
func (d *Drivers) enqueue(o *output) {
	if o.dest == nil || o.queued {
		return
	}
	o.queued = true
	d.pending = append(d.pending, o)
	signal(d.changed)
}
