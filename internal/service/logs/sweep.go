package logs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// drop says that the events of a deleted group or stream are yet to be removed.
// Nobody can see them any more.
type drop struct {
	Group  ID `json:"group"`
	Stream ID `json:"stream,omitempty"` // 0: the whole group
}

// Key is the record's store key.
func (d *drop) Key() string { return store.Key(d.Group.String(), d.Stream.String()) }

// DeleteGroup removes a group with all that it holds.
func (r *Room) DeleteGroup(ctx context.Context, s Scope, name string) error {
	var gone drop
	err := r.update(ctx, "delete log group", func(tx *store.Tx) error {
		g, err := group(tx, s, name)
		if err != nil {
			return err
		}
		if g.Protected {
			return ErrProtected
		}
		gone = drop{Group: g.ID}
		Groups.Delete(tx, g.Key())
		dropped.Put(tx, &gone)
		return nil
	})
	if err != nil {
		return err
	}
	r.remove(ctx, &gone)
	return nil
}

// DeleteStream removes a stream with its events.
func (r *Room) DeleteStream(ctx context.Context, s Scope, groupName, name string) error {
	var gone drop
	err := r.update(ctx, "delete log stream", func(tx *store.Tx) error {
		_, st, err := streamNamed(tx, s, groupName, name)
		if err != nil {
			return err
		}
		gone = drop{Group: st.GroupID, Stream: st.ID}
		Streams.Delete(tx, st.Key())
		dropped.Put(tx, &gone)
		return nil
	})
	if err != nil {
		return err
	}
	r.remove(ctx, &gone)
	return nil
}

// remove does at once what the sweep would do later. It has gone for everyone all
// the same, so a failure is for the sweep to mend.
func (r *Room) remove(ctx context.Context, d *drop) {
	if err := r.clear(ctx, d); err != nil {
		r.cfg.Log.Warn("events of what was deleted remain", "group", d.Group.String(), "stream", d.Stream.String(), "err", err)
	}
}

// clear removes records and events below what was dropped, and last the note that
// there is something to remove.
func (r *Room) clear(ctx context.Context, d *drop) error {
	r.puts.Lock()   // those that still saw the record are done
	r.puts.Unlock() //nolint:staticcheck // waiting is all
	if err := r.clearRecords(ctx, d); err != nil {
		return err
	}
	if d.Stream != 0 {
		if err := r.events.DeleteStream(uint64(d.Group), uint64(d.Stream)); err != nil {
			return err
		}
	} else if err := r.events.DeleteGroup(uint64(d.Group)); err != nil {
		return err
	}
	return r.update(ctx, "forget what was deleted", func(tx *store.Tx) error {
		dropped.Delete(tx, d.Key())
		return nil
	})
}

// portion is how many records are removed in one transaction, well under what
// etcd takes.
const portion = 50

// clearRecords removes the streams and metric filters of a dropped group.
func (r *Room) clearRecords(ctx context.Context, d *drop) error {
	if d.Stream != 0 {
		return nil
	}
	for more := true; more; {
		err := r.update(ctx, "delete what a log group held", func(tx *store.Tx) error {
			n := 0
			for s := range Streams.By(tx, indexOwner, d.Group.String()) {
				if n++; n <= portion {
					Streams.Delete(tx, s.Key())
				}
			}
			for f := range MetricFilters.By(tx, indexOwner, d.Group.String()) {
				if n++; n <= portion {
					MetricFilters.Delete(tx, f.Key())
				}
			}
			more = n > portion
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Run removes what retention has reached and what deletions that were cut short
// have left behind, until ctx ends. Live tails end with it.
func (r *Room) Run(ctx context.Context) {
	defer r.tails.close()
	tick := time.NewTicker(r.cfg.SweepEvery)
	defer tick.Stop()
	for {
		if err := r.Sweep(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn("sweep of log events was not complete", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep removes once what Run removes.
func (r *Room) Sweep(ctx context.Context) error {
	var errs []error
	snap := r.st.Snapshot()
	for d := range dropped.List(snap, "") {
		if err := r.clear(ctx, d); err != nil {
			errs = append(errs, fmt.Errorf("remove events of %s: %w", strings.Trim(d.Key(), "/"), err))
		}
	}
	for g := range Groups.List(snap, "") {
		if ctx.Err() != nil {
			break
		}
		if horizon := g.horizon(now()); horizon > 0 {
			errs = append(errs, r.events.Trim(uint64(g.ID), horizon))
		}
	}
	return errors.Join(errs...)
}
