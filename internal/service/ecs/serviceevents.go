package ecs

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/store"
)

// maxServiceEvents is how many events DescribeServices shows and we keep
// (service-event-messages).
const maxServiceEvents = 100

// RecentServiceEvents returns the events of a service, the newest first.
func RecentServiceEvents(r store.Reader, s *Service) []*ServiceEvent {
	events := slices.Collect(ServiceEvents.List(r, s.Scope.Prefix(s.Cluster, s.Name)))
	slices.Reverse(events)
	return events
}

// AppendServiceEvents adds messages to a service's history in the given order,
// and drops what is older than the newest 100.
func AppendServiceEvents(tx *store.Tx, s *Service, now time.Time, messages []string) {
	if len(messages) == 0 {
		return
	}
	messages = messages[max(0, len(messages)-maxServiceEvents):]
	old := RecentServiceEvents(tx, s)
	seq := now.UnixNano()
	if len(old) > 0 {
		seq = max(seq, old[0].Seq+1)
	}
	for i, m := range messages {
		ServiceEvents.Put(tx, &ServiceEvent{
			Scope: s.Scope, Cluster: s.Cluster, Service: s.Name,
			Seq: seq + int64(i), ID: uuid.NewString(), At: now, Message: m,
		})
	}
	if keep := maxServiceEvents - len(messages); len(old) > keep {
		dropServiceEvents(tx, old[keep:])
	}
}

func dropServiceEvents(tx *store.Tx, events []*ServiceEvent) {
	for _, e := range events {
		ServiceEvents.Delete(tx, e.Key())
	}
}
