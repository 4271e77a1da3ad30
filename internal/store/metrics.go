package store

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the figures of one store.
type metrics struct {
	store     *Store
	commits   *prometheus.CounterVec
	conflicts prometheus.Counter
	latency   prometheus.Histogram

	revision, records, watchers, size *prometheus.Desc
}

func newMetrics(s *Store) *metrics {
	return &metrics{
		store: s,
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slipway_store_commits_total", Help: "Transactions sent to etcd, by what became of them.",
		}, []string{"result"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "slipway_store_conflicts_total", Help: "Attempts begun anew because a guarded key had changed.",
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "slipway_store_commit_seconds", Help: "Time from sending a transaction to reading it from the snapshot.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		revision: prometheus.NewDesc("slipway_store_revision", "Revision of the snapshot.", nil, nil),
		records:  prometheus.NewDesc("slipway_store_records", "Records of each table.", []string{"table"}, nil),
		watchers: prometheus.NewDesc("slipway_store_watchers", "Watchers that follow the store.", nil, nil),
		size:     prometheus.NewDesc("slipway_store_db_bytes", "Size of the embedded database's file.", nil, nil),
	}
}

// Collectors are the store's metrics, for a Prometheus registry.
func (s *Store) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.metrics.commits, s.metrics.conflicts, s.metrics.latency, s.metrics}
}

// committed counts a transaction that was sent.
func (m *metrics) committed(start time.Time, out outcome, err error) {
	result := "committed"
	switch {
	case errors.Is(err, ErrUnavailable):
		result = "unavailable"
	case err != nil:
		result = "refused"
	case !out.committed:
		result = "conflict"
	}
	m.commits.WithLabelValues(result).Inc()
	m.latency.Observe(time.Since(start).Seconds())
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.revision, m.records, m.watchers, m.size} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	snap := m.store.Snapshot()
	gauge(m.revision, int(snap.revision))
	for i, def := range snap.schema.definitions {
		gauge(m.records, snap.tables[i].byKey.len(), def.name)
	}
	gauge(m.watchers, m.store.replica.watching())
	if m.store.Embedded() && m.store.ctx.Err() == nil {
		gauge(m.size, int(m.store.conn.embedded.server.Backend().Size()))
	}
}
