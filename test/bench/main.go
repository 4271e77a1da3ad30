// Command bench measures Slipway beside its peers in one run and prints ratios:
// machines differ and are noisy, ratios within a run keep.
//
//	start   RunTask to the container's process, against `ctr run -d`
//	burst   50 tasks on one instance, against 50 `ctr run -d`, 4 at a time
//	containers
//	        tasks of one and of four containers, and the CPU that their start takes, against `ctr run -d`, and `docker run -d`
//	        where a daemon answers
//	logs    a container's lines into CloudWatch Logs, and into a file, against Docker's json-file where a daemon answers
//	events  PutLogEvents and FilterLogEvents
//	api     DescribeTasks, ListTasks and RunTask with 100 and with 10,000 tasks, against moto_server where it is installed,
//	        and a bare net/http server for the least that a call costs on the machine
//	memory  resident memory of an idle `slipway up`
//
// Running means that the first instruction of the payload has run: it sends a
// datagram to a socket of the measurer.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options of a run.
type options struct {
	slipway, web string
	rounds       int
	lines        int // that the container of logs writes
	events       int // that events puts
}

var scenarios = map[string]func(context.Context, options) error{
	"start": benchStart, "burst": benchBurst, "containers": benchContainers, "logs": benchLogs, "events": benchEvents,
	"api": benchAPI, "memory": benchMemory,
}

func main() {
	var o options
	flag.StringVar(&o.slipway, "slipway", "bin/slipway", "the slipway binary")
	flag.StringVar(&o.web, "web", "bin/demo-web", "the payload")
	flag.IntVar(&o.rounds, "rounds", 12, "rounds of single starts; bursts take half as many")
	flag.IntVar(&o.lines, "lines", 200_000, "lines that a container writes")
	flag.IntVar(&o.events, "events", 1_000_000, "log events that are put and filtered")
	flag.Parse()
	if flag.Arg(0) == bareScenario {
		serveBare()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	names := flag.Args()
	if len(names) == 0 {
		names = []string{"memory", "start", "burst", "containers", "logs", "events", "api"}
	}
	for _, name := range names {
		run, ok := scenarios[name]
		if !ok {
			fmt.Fprintln(os.Stderr, "bench: no scenario", name)
			os.Exit(2)
		}
		fmt.Printf("\n== %s (load %s)\n", name, load())
		if err := run(ctx, o); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", name+":", err)
			os.Exit(1)
		}
		fmt.Printf("(load %s)\n", load())
	}
}

// load is the machine's load average over a minute.
func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

// series is what was measured of one contestant, in the order of the rounds.
type series struct {
	name string
	took []time.Duration
}

func (s *series) add(d time.Duration) { s.took = append(s.took, d) }

// at is the q-quantile.
func (s *series) at(q float64) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.took))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// report prints contestants, with the median of the round-by-round ratios to the
// first one.
func report(all ...*series) {
	fmt.Printf("%-34s %9s %9s %9s\n", "", "p50 ms", "p95 ms", "ratio")
	for _, s := range all {
		fmt.Printf("%-34s %9.2f %9.2f %9.2f\n", s.name, ms(s.at(.5)), ms(s.at(.95)), ratio(s, all[0]))
	}
}

func ratio(s, to *series) float64 {
	var r []float64
	for i := range min(len(s.took), len(to.took)) {
		r = append(r, float64(s.took[i])/float64(to.took[i]))
	}
	if len(r) == 0 {
		return 0
	}
	slices.Sort(r)
	return r[len(r)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// indent makes a block of output readable below a heading.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}
