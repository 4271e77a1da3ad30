package logdriver

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// counting is a service that encodes what it gets, as a real caller does, and
// counts the events.
type counting struct{ events atomic.Int64 }

func (c *counting) caller(string, string) Call {
	return func(_ context.Context, operation string, in, _ any) error {
		if _, err := json.Marshal(in); err != nil {
			return err
		}
		if p, ok := in.(*putEvents); ok {
			c.events.Add(int64(len(p.Events)))
		}
		return nil
	}
}

// BenchmarkAWSLogs ships 100,000 lines of 100 bytes per iteration; more than
// 13 iterations run into the bound on what one log may send.
func BenchmarkAWSLogs(b *testing.B) {
	for _, mode := range []string{"non-blocking", "blocking"} {
		b.Run(mode, func(b *testing.B) { benchmarkAWSLogs(b, mode) })
	}
}

func benchmarkAWSLogs(b *testing.B, mode string) {
	const lines = 100_000
	service := &counting{}
	d, err := New(Config{Dir: b.TempDir(), Logs: service.caller})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	options := map[string]string{"awslogs-group": "g", "mode": mode}
	if mode == "non-blocking" {
		options["max-buffer-size"] = "1g" // what is written faster than it is shipped is not dropped
	}
	path, err := d.Open(ctx, Container{ID: testID}, "awslogs", options)
	if err != nil {
		b.Fatal(err)
	}
	shim, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer shim.Close()
	part := []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 320)) // what a shim writes at once
	b.ResetTimer()
	before := cpu()
	for range b.N * lines / 320 {
		if _, err := shim.Write(part); err != nil {
			b.Fatal(err)
		}
	}
	if err := d.Close(testID); err != nil {
		b.Fatal(err)
	}
	for service.events.Load() < int64(b.N*lines/320*320) {
		rest(ctx, time.Millisecond)
	}
	b.ReportMetric(float64(b.N)*lines/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric((cpu()-before).Seconds()*1000/float64(b.N), "cpu-ms/100k")
	cancel()
	<-done
}

func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
