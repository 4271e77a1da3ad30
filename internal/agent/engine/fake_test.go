package engine

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// machine is an instance's outside: a container runtime, a network, a registry,
// a disk and a control plane, all in memory. It outlives the agents on it.
type machine struct {
	// delay is how long an effect takes, and cut whether one that is cancelled
	// meanwhile has happened nevertheless.
	delay func() time.Duration
	cut   func() bool

	mu         sync.Mutex
	containers map[string]*fakeContainer
	starts     map[string]int // by container, over all time
	nextPort   int
	attached   map[string]Attachment
	groups     map[string]bool // control groups
	volumes    map[string]bool // tasks with volumes
	stopped    map[string]bool // tasks that must start nothing any more
	images     map[string]error
	log        []string // what was done, in order
	broken     []string // promises that were broken

	reports  []Report
	refusing error // what Submit answers
	away     bool  // the container runtime does not answer, though it may act

	durable  map[string][]byte // the journal's file
	writes   int               // that it ever became
	routers  routerFiles
	slowDisk bool                    // a write takes longer than ten effects
	onWrite  func(n int) (lost bool) // before one becomes durable

	secrets map[string]string             // by valueFrom
	texts   map[string]string             // environment files, by ARN
	asked   int                           // calls of Settings
	roles   []*agentproto.RoleCredentials // that they came with
	silent  bool                          // Settings do not answer
	checks  map[string]func(HealthStatus) // by container
	opened  map[string]bool               // containers open to ECS Exec
}

type fakeContainer struct {
	spec  ContainerSpec
	state ProcessState
	exit  Exit
	since time.Time
	gone  chan struct{} // closed on exit
	deaf  bool          // ignores the stop signal
}

func newMachine() *machine {
	m := &machine{
		delay: func() time.Duration { return 10 * time.Millisecond }, cut: func() bool { return false },
		containers: map[string]*fakeContainer{}, starts: map[string]int{}, nextPort: 32768,
		attached: map[string]Attachment{}, groups: map[string]bool{}, volumes: map[string]bool{},
		stopped: map[string]bool{}, images: map[string]error{}, durable: map[string][]byte{},
		onWrite: func(int) bool { return false },
		secrets: map[string]string{}, texts: map[string]string{}, checks: map[string]func(HealthStatus){}, opened: map[string]bool{},
	}
	m.routers = routerFiles{m, map[string]string{}}
	return m
}

// set changes the machine.
func (m *machine) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// picture is the machine as it was at one moment.
type picture struct {
	containers map[string]fakeContainer
	starts     map[string]int
	attached   map[string]Attachment
	groups     map[string]bool
	volumes    map[string]bool
	durable    map[string][]byte
	writes     int
	log        []string
	reports    []Report
}

func (m *machine) now() picture {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := picture{
		containers: map[string]fakeContainer{}, starts: maps.Clone(m.starts), attached: maps.Clone(m.attached),
		groups: maps.Clone(m.groups), volumes: maps.Clone(m.volumes), durable: maps.Clone(m.durable), writes: m.writes,
		log: slices.Clone(m.log), reports: slices.Clone(m.reports),
	}
	for id, c := range m.containers {
		p.containers[id] = *c
	}
	return p
}

// effect takes its time and then happens, unless it was cancelled before.
func (m *machine) effect(ctx context.Context, what string, happen func() error) error {
	m.mu.Lock()
	delay, cut := m.delay, m.cut
	m.mu.Unlock()
	select {
	case <-time.After(delay()):
	case <-ctx.Done():
		if !cut() {
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := happen(); err != nil {
		return err
	}
	m.log = append(m.log, what)
	return ctx.Err()
}

func (m *machine) name(id string) string {
	if c, ok := m.containers[id]; ok {
		return c.spec.ContainerName
	}
	return id
}

// command is an effect of the container runtime. When that goes away, the answer
// to what it did is lost.
func (m *machine) command(ctx context.Context, what string, happen func() error) error {
	err := m.effect(ctx, what, happen)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return ErrUnavailable
	}
	return err
}

// Create implements Runtime.
func (m *machine) Create(ctx context.Context, spec ContainerSpec) error {
	return m.command(ctx, "create "+spec.ContainerName, func() error {
		if _, ok := m.containers[spec.ID]; ok {
			return fmt.Errorf("container %s exists", spec.ID)
		}
		m.containers[spec.ID] = &fakeContainer{spec: spec, state: Ready, gone: make(chan struct{})}
		return nil
	})
}

// Start implements Runtime.
func (m *machine) Start(ctx context.Context, id string) error {
	m.mu.Lock()
	what := "start " + m.name(id)
	if c, ok := m.containers[id]; ok && m.stopped[c.spec.TaskARN] {
		m.broken = append(m.broken, "a container of a task that was to stop was started")
	}
	m.mu.Unlock()
	return m.command(ctx, what, func() error {
		c, ok := m.containers[id]
		if !ok {
			return ErrNotFound
		}
		if c.state != Ready {
			return fmt.Errorf("container %s is not ready", id)
		}
		m.starts[id]++
		c.state, c.since = Alive, time.Now()
		return nil
	})
}

// Restart implements Runtime.
func (m *machine) Restart(ctx context.Context, id string) error {
	m.mu.Lock()
	what := "restart " + m.name(id)
	m.mu.Unlock()
	return m.command(ctx, what, func() error {
		c, ok := m.containers[id]
		if !ok {
			return ErrNotFound
		}
		if c.state != Alive {
			m.starts[id]++
			c.state, c.since, c.gone = Alive, time.Now(), make(chan struct{})
		}
		return nil
	})
}

// Stop implements Runtime.
func (m *machine) Stop(ctx context.Context, id string) error {
	return m.signal(ctx, id, "stop", 143, false)
}

// Kill implements Runtime.
func (m *machine) Kill(ctx context.Context, id string) error {
	return m.signal(ctx, id, "kill", 137, true)
}

func (m *machine) signal(ctx context.Context, id, what string, code int, force bool) error {
	m.mu.Lock()
	what += " " + m.name(id)
	m.mu.Unlock()
	return m.command(ctx, what, func() error {
		c, ok := m.containers[id]
		if !ok {
			return ErrNotFound
		}
		if c.state == Alive && (force || !c.deaf) {
			c.end(Exit{Code: code, At: time.Now()})
		}
		return nil
	})
}

func (c *fakeContainer) end(e Exit) {
	c.state, c.exit = Exited, e
	close(c.gone)
}

// exit lets a container's process end; false if it does not run.
func (m *machine) exit(id string, e Exit) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.containers[id]
	if !ok || c.state != Alive {
		return false
	}
	e.At = time.Now()
	c.end(e)
	return true
}

// Wait implements Runtime.
func (m *machine) Wait(ctx context.Context, id string) (<-chan Exit, error) {
	m.mu.Lock()
	c, ok := m.containers[id]
	if !ok {
		m.mu.Unlock()
		return nil, ErrNotFound
	}
	gone := c.gone
	m.mu.Unlock()
	out := make(chan Exit, 1)
	go func() {
		defer close(out)
		select {
		case <-gone:
			m.mu.Lock()
			defer m.mu.Unlock()
			out <- c.exit
		case <-ctx.Done():
		}
	}()
	return out, nil
}

// Inspect implements Runtime.
// Volumes are none: no image here declares any.
func (m *machine) Volumes(context.Context, string) ([]Mount, error) { return nil, nil }

func (m *machine) Inspect(_ context.Context, id string) (Process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.containers[id]
	switch {
	case m.away:
		return Process{}, ErrUnavailable
	case !ok:
		return Process{}, ErrNotFound
	}
	return Process{ID: id, State: c.state, StartedAt: c.since, Exit: c.exit}, nil
}

// List implements Runtime.
func (m *machine) List(ctx context.Context) ([]Process, error) {
	var out []Process
	for _, id := range slices.Sorted(maps.Keys(m.now().containers)) {
		p, err := m.Inspect(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Remove implements Runtime.
func (m *machine) Remove(ctx context.Context, id string) error {
	return m.effect(ctx, "remove "+id, func() error {
		if c, ok := m.containers[id]; ok && c.state == Alive {
			c.end(Exit{Code: 137, At: time.Now()})
		}
		delete(m.containers, id)
		return nil
	})
}

// Pull implements Images.
func (m *machine) Pull(ctx context.Context, ref string, _ RegistryAuth) (Image, error) {
	err := m.effect(ctx, "pull "+ref, func() error { return m.images[ref] })
	return Image{Name: ref + "@sha256:1234", Digest: "sha256:1234"}, err
}

// Cleanup implements Images.
func (m *machine) Cleanup(context.Context, func(string) bool) error { return nil }

// Auth implements Registries.
func (m *machine) Auth(context.Context, string, *agentproto.RegistryAuthentication, *agentproto.RoleCredentials) (RegistryAuth, error) {
	return RegistryAuth{}, nil
}

// network, groups and files are further sides of a machine, apart because the
// interfaces share method names.
type (
	network struct{ *machine }
	groups  struct{ *machine }
	files   struct{ *machine }
	opener  struct{ *machine }

	routerFiles struct {
		*machine
		configs map[string]string // by task
	}
)

// Attach implements Network.
func (m network) Attach(ctx context.Context, req NetworkRequest) (Attachment, error) {
	var a Attachment
	err := m.effect(ctx, "attach "+req.ContainerID, func() error {
		if req.Mode == "host" || req.Mode == "none" {
			return nil
		}
		a = Attachment{NetNS: "/run/netns/" + req.ContainerID, IP: netip.MustParseAddr("172.17.0.2")}
		for _, p := range req.Ports {
			b := Binding{BindIP: "0.0.0.0", ContainerPort: int(p.ContainerPort), HostPort: int(p.HostPort), Protocol: p.Protocol}
			if b.HostPort == 0 {
				b.HostPort = m.nextPort
				m.nextPort++
			}
			a.Bindings = append(a.Bindings, b)
		}
		m.attached[req.ContainerID] = a
		return nil
	})
	return a, err
}

// Detach implements Network.
func (m network) Detach(ctx context.Context, id string) error {
	return m.effect(ctx, "detach "+id, func() error {
		delete(m.attached, id)
		return nil
	})
}

// Recover implements Network.
func (m network) Recover(_ context.Context, keep map[string]Attachment) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.attached, func(id string, _ Attachment) bool { _, ok := keep[id]; return !ok })
	return nil
}

// Create implements Cgroups.
func (m groups) Create(ctx context.Context, task string, _ float64, _ int64) (string, error) {
	return task, m.effect(ctx, "group", func() error { m.groups[task] = true; return nil })
}

// Delete implements Cgroups.
func (m groups) Delete(ctx context.Context, task string) error {
	return m.effect(ctx, "ungroup", func() error { delete(m.groups, task); return nil })
}

// Prepare implements Volumes.
func (m files) Prepare(ctx context.Context, task string, v agentproto.Volume) (string, bool, error) {
	return "/volumes/" + task + "/" + v.Name, true, m.effect(ctx, "volume", func() error { m.volumes[task] = true; return nil })
}

// Release implements Volumes.
func (m files) Release(ctx context.Context, task string) error {
	return m.effect(ctx, "unvolume", func() error { delete(m.volumes, task); return nil })
}

// Recover implements Volumes.
func (m files) Recover(_ context.Context, keep func(string) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.volumes, func(task string, _ bool) bool { return !keep(task) })
	return nil
}

// Secrets implements Settings.
func (m *machine) Secrets(ctx context.Context, execution *agentproto.RoleCredentials, refs []agentproto.Secret) ([]string, error) {
	var values []string
	err := m.setting(ctx, execution, func() error {
		for _, ref := range refs {
			v, ok := m.secrets[ref.ValueFrom]
			if !ok {
				return fmt.Errorf("no secret %s", ref.ValueFrom)
			}
			values = append(values, v)
		}
		return nil
	})
	return values, err
}

// EnvironmentFile implements Settings.
func (m *machine) EnvironmentFile(ctx context.Context, execution *agentproto.RoleCredentials, f agentproto.EnvironmentFile) ([]byte, error) {
	var text string
	err := m.setting(ctx, execution, func() error {
		var ok bool
		if text, ok = m.texts[f.Value]; !ok {
			return fmt.Errorf("no file %s", f.Value)
		}
		return nil
	})
	return []byte(text), err
}

func (m *machine) setting(ctx context.Context, execution *agentproto.RoleCredentials, answer func() error) error {
	return m.effect(ctx, "setting", func() error {
		m.asked++
		m.roles = append(m.roles, execution)
		if m.silent {
			return ErrUnavailable
		}
		return answer()
	})
}

// Watch implements Health.
func (m *machine) Watch(id string, _ agentproto.Healthcheck, changed func(HealthStatus)) func() {
	m.set(func() { m.checks[id] = changed })
	return func() { m.set(func() { delete(m.checks, id) }) }
}

// verdict is what the health check of a container says now; false if it is not
// checked.
func (m *machine) verdict(id string, v lifecycle.Health) bool {
	m.mu.Lock()
	changed, ok := m.checks[id]
	m.mu.Unlock()
	if ok {
		changed(HealthStatus{Verdict: v, Since: time.Now()})
	}
	return ok
}

// Attach implements Exec.
func (m opener) Attach(c ExecTarget, _ func()) (bool, func()) {
	m.set(func() { m.opened[c.ContainerID] = true })
	return true, func() { m.set(func() { delete(m.opened, c.ContainerID) }) }
}

// Submit implements Reporter.
func (m *machine) Submit(ctx context.Context, r Report) error {
	return m.effect(ctx, "report "+r.Status, func() error {
		if m.refusing != nil {
			return m.refusing
		}
		m.reports = append(m.reports, r)
		return nil
	})
}

// agent is one engine on a machine, from its start to its kill.
type agent struct {
	*Engine
	kill context.CancelFunc
	over chan struct{}
	disk *disk
}

// boot starts an engine; without takes effects from it.
func boot(t testing.TB, m *machine, cfg Config, without ...func(*Effects)) *agent {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	d := newDisk(ctx, m)
	fx := Effects{
		Runtime: m, Images: m, Registries: m, Network: network{m}, Volumes: files{m}, Cgroups: groups{m},
		Reports: m, Journal: d, Settings: m, Health: m, Exec: opener{m}, Routers: &m.routers,
	}
	for _, take := range without {
		take(&fx)
	}
	e := New(cfg, fx, slog.New(slog.DiscardHandler))
	if err := e.Recover(ctx); err != nil {
		kill()
		t.Fatalf("recover: %v", err)
	}
	a := &agent{Engine: e, kill: kill, over: make(chan struct{}), disk: d}
	go func() {
		defer close(a.over)
		_ = e.Run(ctx)
	}()
	return a
}

// die kills the agent and waits for its last goroutine.
func (a *agent) die() {
	a.kill()
	<-a.over
	<-a.disk.over
}

// apply hands tasks over and waits until they are durable.
func (a *agent) apply(t testing.TB, tasks ...agentproto.Task) Receipt {
	t.Helper()
	r, err := a.Apply(t.Context(), tasks)
	if err == nil {
		err = r.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (m *machine) statuses() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]string, len(m.reports))
	for i, r := range m.reports {
		out[i] = r.Status
	}
	return out
}
