package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// observer returns what wire tells of every answer: how many, and how long.
func (s *Server) observer() func(op string, status int, d time.Duration) {
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "slipway_api_request_seconds",
		Help:    "Time to answer an API request, by operation and HTTP status.",
		Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5},
	}, []string{"operation", "status"})
	s.metrics.MustRegister(requests)
	return func(op string, status int, d time.Duration) {
		requests.WithLabelValues(op, strconv.Itoa(status)).Observe(d.Seconds())
	}
}

func (s *Server) registerMetrics() error {
	all := append(s.store.Collectors(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	for _, c := range all {
		if err := s.metrics.Register(c); err != nil {
			return err
		}
	}
	return nil
}
