package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// padded is about half a kilobyte of JSON, as the published figures for etcd use.
var padded = strings.Repeat("x", 420)

// contestant is an operation to compare with the others; i differs from call to call.
type contestant struct {
	name string
	do   func(i int64) error
}

// cost is what a turn takes: time on the clock, and of the processors, which says more on a busy machine.
type cost struct{ wall, cpu time.Duration }

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timed lets a number of clients carry out an operation so many times.
func timed(b *testing.B, clients, times int, c contestant) cost {
	var next atomic.Int64
	var work sync.WaitGroup
	cpu, start := processorTime(b), time.Now()
	for range clients {
		work.Go(func() {
			for i := next.Add(1); i <= int64(times); i = next.Add(1) {
				if err := c.do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	return cost{time.Since(start), processorTime(b) - cpu}
}

// BenchmarkWrite sets updates against what etcd's in-process client does with the same bytes, in turns; an iteration
// is one turn of each. It reports operations per second, and processor time for each, and the median ratio
// of a turn to that of the raw put.
func BenchmarkWrite(b *testing.B) {
	s := open(b, Config{})
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("%d clients", clients), func(b *testing.B) { contest(b, clients, contestants(b, s)) })
	}
}

func contestants(b *testing.B, s *Store) []contestant {
	raw := fmt.Sprintf(`{"owner":"bench","name":"1","kind":"dog","note":%q}`, padded)
	return []contestant{
		{"put", func(i int64) error {
			_, err := s.conn.Put(b.Context(), fmt.Sprintf("/raw/%d", i%20000), raw)
			return err
		}},
		{"txn", func(i int64) error {
			key := fmt.Sprintf("/raw/%d", i%20000)
			_, err := s.conn.Txn(b.Context()).
				If(clientv3.Compare(clientv3.ModRevision(key), ">", -1)).Then(clientv3.OpPut(key, raw)).Commit()
			return err
		}},
		{"txn10", func(i int64) error {
			ops := make([]clientv3.Op, 10)
			for j := range ops {
				ops[j] = clientv3.OpPut(fmt.Sprintf("/raw/%d", (i*10+int64(j))%20000), raw)
			}
			_, err := s.conn.Txn(b.Context()).Then(ops...).Commit()
			return err
		}},
		{"update1", func(i int64) error { return s.Update(b.Context(), putPets("one", i, 1)) }},
		{"update10", func(i int64) error { return s.Update(b.Context(), putPets("ten", i, 10)) }},
		{"hotkey", func(int64) error { return s.Update(b.Context(), increment) }},
	}
}

// putPets writes so many of 20,000 records.
func putPets(owner string, i, count int64) func(tx *Tx) error {
	return func(tx *Tx) error {
		for j := range count {
			pets.Put(tx, &pet{Owner: owner, Name: fmt.Sprint((i*count + j) % 20000), Kind: "dog", Tags: []string{owner}, Note: padded})
		}
		return nil
	}
}

func contest(b *testing.B, clients int, list []contestant) {
	const times = 640
	spent := make([]cost, len(list))
	ratios := make([][]float64, len(list))
	turns := 0
	for b.Loop() {
		turns++
		var first cost
		for i, c := range list {
			d := timed(b, clients, times, c)
			if i == 0 {
				first = d
			}
			spent[i].wall += d.wall
			spent[i].cpu += d.cpu
			ratios[i] = append(ratios[i], float64(d.wall)/float64(first.wall))
		}
	}
	operations := float64(turns * times)
	for i, c := range list {
		slices.Sort(ratios[i])
		b.ReportMetric(operations/spent[i].wall.Seconds(), c.name+"/s")
		b.ReportMetric(float64(spent[i].cpu.Microseconds())/operations, c.name+"-cpu-us")
		b.ReportMetric(ratios[i][len(ratios[i])/2], c.name+"-x")
	}
	b.ReportMetric(0, "ns/op") // of all contestants together, which means nothing
}

// filled is a snapshot of n records, a hundred of each kind.
func filled(b *testing.B, n int) *Snapshot {
	r := testReplica()
	rev := revision{number: 1}
	for i := range n {
		p := &pet{Owner: "o", Name: fmt.Sprintf("%08d", i), Kind: fmt.Sprintf("kind-%d", i/100)}
		rev.changes = append(rev.changes, change{location{0, petKey(p)}, &entry{key: petKey(p), mod: 1, rec: p}})
	}
	r.offer(rev)
	b.ReportAllocs()
	return r.snapshot()
}

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("get/%d", n), func(b *testing.B) {
			snap := filled(b, n)
			for i := 0; b.Loop(); i++ {
				if _, ok := pets.Get(snap, "o/00005000"); !ok {
					b.Fatal("not found")
				}
			}
		})
		b.Run(fmt.Sprintf("list 100/%d", n), func(b *testing.B) {
			snap := filled(b, n)
			for b.Loop() {
				left := 100
				for range pets.ListAfter(snap, "o/", "o/00005000") {
					if left--; left == 0 {
						break
					}
				}
			}
		})
		b.Run(fmt.Sprintf("by 100/%d", n), func(b *testing.B) {
			snap := filled(b, n)
			for b.Loop() {
				for range pets.By(snap, "kind", "kind-50") {
				}
			}
		})
		b.Run(fmt.Sprintf("count/%d", n), func(b *testing.B) {
			snap := filled(b, n)
			for b.Loop() {
				if pets.Count(snap, "kind", "kind-50") != 100 {
					b.Fatal("miscounted")
				}
			}
		})
		b.Run(fmt.Sprintf("apply 1/%d", n), func(b *testing.B) {
			r := filled(b, n).replica
			for number := int64(2); b.Loop(); number++ {
				i := int(number*7919) % n
				p := &pet{Owner: "o", Name: fmt.Sprintf("%08d", i), Kind: fmt.Sprintf("kind-%d", i/100)}
				r.offer(revision{number, []change{{location{0, petKey(p)}, &entry{key: petKey(p), mod: number, rec: p}}}})
			}
		})
	}
}
