package logs

import (
	"log/slog"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/store"
)

// The tables of the room.
var (
	Groups = store.NewTable(store.Spec[Group]{
		Name: "logs.groups", Key: (*Group).Key,
	})
	Streams = store.NewTable(store.Spec[Stream]{
		Name: "logs.streams", Key: (*Stream).Key,
		Indexes: []store.Index[Stream]{
			{Name: indexID, Keys: func(s *Stream) []string { return []string{s.ID.String()} }},
			{Name: indexOwner, Keys: func(s *Stream) []string { return []string{s.GroupID.String()} }},
		},
	})
	MetricFilters = store.NewTable(store.Spec[MetricFilter]{
		Name: "logs.metricfilters", Key: (*MetricFilter).Key,
		Indexes: []store.Index[MetricFilter]{
			{Name: indexOwner, Keys: func(f *MetricFilter) []string { return []string{f.GroupID.String()} }},
		},
	})
	dropped = store.NewTable(store.Spec[drop]{Name: "logs.dropped", Key: (*drop).Key})
)

// Index names.
const (
	indexID    = "id"    // streams by their id
	indexOwner = "group" // streams and metric filters by the id of their group
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{Groups, Streams, MetricFilters, dropped}
}

// Config is what the room needs to know of its surroundings.
type Config struct {
	Log *slog.Logger
	// SweepEvery is how often Run looks for what retention has reached; 0: every
	// ten minutes.
	SweepEvery time.Duration
}

// Room holds log groups and what is in them. It is safe for concurrent use.
type Room struct {
	st     *store.Store
	events *logstore.Store
	cfg    Config
	tails  tails

	// puts is held for reading from the look at a stream's record until its
	// events are on disk, so that who removes the record and then takes the lock
	// knows that nothing is appended any more.
	puts sync.RWMutex
}

// New returns the room over st, which was opened with Tables(), and events.
func New(st *store.Store, events *logstore.Store, cfg Config) *Room {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = 10 * time.Minute
	}
	r := &Room{st: st, events: events, cfg: cfg}
	r.tails.init()
	return r
}

// Scope is the account and the region that own a record. It begins every key.
type Scope struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Key is a store key under the scope.
func (s Scope) Key(parts ...string) string {
	return store.Key(append([]string{s.Account, s.Region}, parts...)...)
}

// named is the key of a record by its name, which is kept as it is and last: keys
// are then in the order of the names, as AWS lists them.
func (s Scope) named(name string, parts ...string) string { return s.Key(parts...) + "/" + name }

// GroupARN names a group of the scope, without the ":*" with which some answers
// end it.
func (s Scope) GroupARN(name string) string {
	return arn.New("logs", s.Region, s.Account, "log-group:"+name).String()
}

// now is the time in the unit of the API, milliseconds since 1970.
func now() int64 { return time.Now().UnixMilli() }
