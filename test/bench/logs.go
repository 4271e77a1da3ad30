package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	logGroup = "bench"
	// goFile is what the containers of the scenario wait for.
	goFile = "go"
	lookAt = 5 * time.Millisecond
)

// logBench is a run of the scenario.
type logBench struct {
	*cluster
	lines   int
	beacons *beacons
	meter   *meter
	logs    *cloudwatchlogs.Client
	agent   int // process id
	peer    *docker
	dockerd int // process id, 0 if not known
}

// benchLogs: a container writes lines, of some eleven bytes, and exits.
func benchLogs(ctx context.Context, o options) error {
	b, err := newBeacons()
	if err != nil {
		return err
	}
	defer b.close()
	m, err := newMeter()
	if err != nil {
		return err
	}
	defer m.close()
	c, err := startCluster(ctx, o, 1)
	if err != nil {
		return err
	}
	defer c.close()
	if err := m.watch(ctx, c); err != nil {
		return err
	}
	l := &logBench{cluster: c, lines: o.lines, beacons: b, meter: m, logs: cloudwatchlogs.NewFromConfig(c.slipway.Config(c.key, region))}
	defer func() { l.peer.close(context.WithoutCancel(ctx)) }()
	if err := l.prepare(ctx, o); err != nil {
		return err
	}
	return l.compare(ctx, max(o.rounds/4, 3))
}

func (l *logBench) prepare(ctx context.Context, o options) error {
	if pids := agentPids(l.slipway.Binary); len(pids) == 1 {
		l.agent = pids[0]
	} else {
		return fmt.Errorf("%d agents of %s run, not one", len(pids), l.slipway.Binary)
	}
	var err error
	if l.peer, err = newDocker(ctx, o.web, l.beacons); err != nil {
		return err
	}
	if l.peer != nil {
		if l.dockerd, err = l.peer.daemon(ctx); err != nil {
			fmt.Println(err)
			l.dockerd = 0
		}
	}
	if _, err := l.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(logGroup)}); err != nil {
		return err
	}
	for _, driver := range []types.LogDriver{types.LogDriverAwslogs, types.LogDriverJsonFile} {
		if err := l.define(ctx, string(driver), "host", l.beacons, l.writer(driver)); err != nil {
			return err
		}
	}
	return nil
}

func (l *logBench) command() []string {
	return []string{"do", "wait /beacon/" + goFile, fmt.Sprint("lines ", l.lines)}
}

func (l *logBench) writer(driver types.LogDriver) types.ContainerDefinition {
	d := l.payload("p", l.command()...)
	d.LogConfiguration = &types.LogConfiguration{LogDriver: driver}
	if driver == types.LogDriverAwslogs {
		d.LogConfiguration.Options = map[string]string{
			"awslogs-group": logGroup, "awslogs-region": region, "awslogs-stream-prefix": "bench",
		}
	}
	return d
}

// sample is what one contestant took for all its lines.
type sample struct{ took, shipper, plane, all time.Duration }

func (l *logBench) compare(ctx context.Context, rounds int) error {
	contestants := []struct {
		name string
		once func(context.Context) (sample, error)
		seen []sample
	}{
		{name: "awslogs, until GetLogEvents has it", once: l.awslogs},
		{name: "json-file, until it is in the file", once: l.jsonFile},
		{name: "docker run --log-driver json-file", once: l.docker},
	}
	if l.peer == nil {
		contestants = contestants[:2]
	}
	for round := -1; round < rounds; round++ {
		for i := range contestants {
			k := &contestants[i]
			s, err := k.once(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			if round >= 0 {
				k.seen = append(k.seen, s)
			}
		}
	}
	fmt.Printf("%-36s %9s %7s   CPU s per 100,000 lines: %7s %13s %10s\n", "", "lines/s", "ratio", "shipper", "control plane", "everything")
	for _, k := range contestants {
		l.show(k.name, k.seen, contestants[len(contestants)-1].seen)
	}
	fmt.Println("shipper: the agent, or dockerd; everything: with containerd, its shim and the payload, without dockerd")
	return nil
}

// show prints medians, with the ratio of lines per second to another's.
func (l *logBench) show(name string, seen, to []sample) {
	pick := func(seen []sample, of func(sample) time.Duration) *series {
		out := &series{}
		for _, s := range seen {
			out.add(of(s))
		}
		return out
	}
	took := func(s sample) time.Duration { return s.took }
	per := func(of func(sample) time.Duration) float64 {
		return pick(seen, of).at(.5).Seconds() * 100_000 / float64(l.lines)
	}
	fmt.Printf("%-36s %9.0f %7.2f   %24s %7.3f %13.3f %10.3f\n", name, float64(l.lines)/pick(seen, took).at(.5).Seconds(), ratio(pick(to, took), pick(seen, took)), "",
		per(func(s sample) time.Duration { return s.shipper }), per(func(s sample) time.Duration { return s.plane }), per(func(s sample) time.Duration { return s.all }))
}

// measure lets the container write and waits until its last line is there.
func (l *logBench) measure(ctx context.Context, shipper int, there func(context.Context) (bool, error)) (sample, error) {
	before, err := l.used(shipper)
	if err != nil {
		return sample{}, err
	}
	path := filepath.Join(l.beacons.dir, goFile)
	begin := time.Now()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return sample{}, err
	}
	defer os.Remove(path)
	if err := until(ctx, there); err != nil {
		return sample{}, err
	}
	took := time.Since(begin)
	<-time.After(afterStart)
	after, err := l.used(shipper)
	return sample{took, after.shipper - before.shipper, after.plane - before.plane, after.all - before.all}, err
}

func until(ctx context.Context, there func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		if ok, err := there(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the last line: %w", ctx.Err())
		case <-time.After(lookAt):
		}
	}
}

func (l *logBench) used(shipper int) (s sample, err error) {
	if shipper != 0 {
		if s.shipper, err = processCPU(shipper); err != nil {
			return s, err
		}
	}
	if s.plane, err = processCPU(l.slipway.Pid()); err != nil {
		return s, err
	}
	s.all, err = l.meter.read()
	return s, err
}
