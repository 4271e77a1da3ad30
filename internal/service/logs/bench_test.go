package logs_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/pattern"
)

const (
	benchStreams = 50
	benchBatch   = 1000
)

// line is a log line of some 120 bytes; every thousandth is an error.
func line(n int) string {
	level := "INFO"
	if n%1000 == 0 {
		level = "ERROR"
	}
	return fmt.Sprintf(`{"level":"%s","path":"/api/items/%d","status":%d,"ms":%d,"request":"%032x"}`, level, n%997, 200+n%300, n%89, n*2654435761)
}

// BenchmarkPut appends batches of one and of a thousand events, by one writer and
// by sixteen: these share flushes.
func BenchmarkPut(b *testing.B) {
	r := newRoom(b)
	var streams []string
	for n := range benchStreams {
		streams = append(streams, fmt.Sprint("task/", n))
	}
	makeGroup(b, b, r, "web", streams...)
	for _, size := range []int{1, benchBatch} {
		for _, writers := range []int{1, 16} {
			b.Run(fmt.Sprintf("batch=%d/writers=%d", size, writers), func(b *testing.B) {
				batch := make([]logs.Entry, size)
				for n := range batch {
					batch[n] = logs.Entry{Time: time.Now().UnixMilli(), Message: line(n)}
				}
				var next atomic.Int64
				b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
				put := func() {
					stream := streams[int(next.Add(1))%len(streams)]
					if _, _, err := r.Put(b.Context(), scope, "web", stream, batch); err != nil {
						b.Error(err)
					}
				}
				b.ResetTimer()
				if writers == 1 {
					for b.Loop() {
						put()
					}
				} else {
					b.RunParallel(func(p *testing.PB) {
						for p.Next() {
							put()
						}
					})
				}
				b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkFilter reads a group of SLIPWAY_BENCH_EVENTS events, by default a
// million, with different questions.
func BenchmarkFilter(b *testing.B) {
	total := 1_000_000
	if s := os.Getenv("SLIPWAY_BENCH_EVENTS"); s != "" {
		var err error
		if total, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	r := newRoom(b)
	b.Logf("memory with nothing in it: %s", memory())
	var streams []string
	for n := range benchStreams {
		streams = append(streams, fmt.Sprint("task/", n))
	}
	makeGroup(b, b, r, "web", streams...)
	begin := time.Now().Add(-time.Hour).UnixMilli()
	started := time.Now()
	batch := make([]logs.Entry, benchBatch)
	for n := 0; n < total; n += benchBatch {
		for i := range batch {
			batch[i] = logs.Entry{Time: begin + int64(n+i)*int64(time.Hour/time.Millisecond)/int64(total), Message: line(n + i)}
		}
		if _, _, err := r.Put(b.Context(), scope, "web", streams[n/benchBatch%len(streams)], batch); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d events put by one writer in %v; memory: %s", total, time.Since(started).Round(time.Millisecond), memory())
	from := begin + int64(time.Hour/time.Millisecond)/2
	for _, q := range []struct {
		name    string
		pattern string
		query   logs.FilterQuery
		pages   int // 0: all
	}{
		{"all", "", logs.FilterQuery{}, 0},
		{"term", "ERROR", logs.FilterQuery{}, 0},
		{"json", `{ $.level = "ERROR" }`, logs.FilterQuery{}, 0},
		{"stream", "", logs.FilterQuery{Streams: streams[:1]}, 0},
		{"page-in-the-middle", "", logs.FilterQuery{From: &from, Limit: 100}, 1},
	} {
		b.Run(q.name, func(b *testing.B) {
			var err error
			if q.query.Pattern, err = pattern.Parse(q.pattern); err != nil {
				b.Fatal(err)
			}
			if q.query.Limit == 0 {
				q.query.Limit = logs.MaxPage
			}
			found := 0
			for b.Loop() {
				q.query.Token, found = "", 0
				for page := 1; ; page++ {
					events, next, err := r.Filter(b.Context(), scope, "web", q.query)
					if err != nil {
						b.Fatal(err)
					}
					found += len(events)
					if q.query.Token = next; next == "" || page == q.pages {
						break
					}
				}
			}
			b.ReportMetric(float64(found), "found")
			if q.pages == 0 && q.query.Streams == nil {
				b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			}
		})
	}
	b.Logf("after the reads: %s", memory())
}

// memory tells what the process has, after the garbage is gone.
func memory() string {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err.Error()
	}
	var fields []string
	for l := range strings.SplitSeq(string(status), "\n") {
		if strings.HasPrefix(l, "VmRSS") || strings.HasPrefix(l, "RssAnon") {
			fields = append(fields, strings.Join(strings.Fields(l), " "))
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return strings.Join(append(fields, fmt.Sprintf("Go heap: %d kB", m.HeapInuse>>10)), ", ")
}
