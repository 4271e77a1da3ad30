package endpoint

import (
	"hash/maphash"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limit holds per client and path. A client's paths share this many buckets,
// so that one who asks for ever new paths needs no more memory.
const pathBuckets = 64

// sweepAt is the number of buckets at which full ones are forgotten.
const sweepAt = 4096

// limiter lets each client through at a steady rate, with bursts.
type limiter struct {
	steady, burst float64
	seed          maphash.Seed

	mu      sync.Mutex
	buckets map[bucketKey]bucket
}

type bucketKey struct {
	client string
	path   uint64
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(steady, burst int) *limiter {
	return &limiter{steady: float64(steady), burst: float64(burst), seed: maphash.MakeSeed(), buckets: map[bucketKey]bucket{}}
}

func (l *limiter) allow(client, path string, now time.Time) bool {
	key := bucketKey{client, maphash.String(l.seed, path) % pathBuckets}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok {
		if len(l.buckets) >= sweepAt {
			maps.DeleteFunc(l.buckets, func(_ bucketKey, b bucket) bool { return l.filled(b, now) >= l.burst })
		}
		b = bucket{tokens: l.burst}
	} else {
		b.tokens = l.filled(b, now)
	}
	b.at = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	l.buckets[key] = b
	return allowed
}

func (l *limiter) filled(b bucket, now time.Time) float64 {
	return min(l.burst, b.tokens+l.steady*now.Sub(b.at).Seconds())
}

// limited answers those who ask too often as the ECS agent does.
func (s *server) limited(l *limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			client = r.RemoteAddr
		}
		if l.allow(client, r.URL.Path, time.Now()) {
			next.ServeHTTP(w, r)
			return
		}
		s.audit(r, http.StatusTooManyRequests, "", "")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("You have reached maximum request limit.")) // the reader may have gone
	})
}
