package store

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/goleak"
)

// The test binary also plays the processes that tests kill: TestMain looks for these variables.
const (
	etcdVariable   = "SLIPWAY_TEST_ETCD"   // directory of an etcd that serves on a socket in it
	writerVariable = "SLIPWAY_TEST_WRITER" // data directory of a store to write into without end
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(etcdVariable); dir != "" {
		exit(runEtcd(dir))
	}
	if dir := os.Getenv(writerVariable); dir != "" {
		exit(runWriter(dir))
	}
	goleak.VerifyTestMain(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runEtcd serves an etcd until the process is told to end.
func runEtcd(dir string) error {
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(dir, "data")
	client := url.URL{Scheme: "unix", Path: filepath.Join(dir, "client.sock")}
	peer := url.URL{Scheme: "unix", Path: filepath.Join(dir, "peer.sock")}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.LogLevel = "panic"
	cfg.TickMs, cfg.ElectionMs = 20, 100
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	select {
	case <-stop:
	case err = <-e.Err():
	}
	e.Close()
	return err
}

// etcd is an etcd process of a test's own.
type etcd struct {
	t   testing.TB
	dir string
	cmd *exec.Cmd
}

// startEtcd starts an etcd process that ends with the test.
func startEtcd(t testing.TB) *etcd {
	t.Helper()
	dir, err := os.MkdirTemp("", "etcd") //nolint:usetesting // t.TempDir has names that are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	e := &etcd{t: t, dir: dir}
	t.Cleanup(func() {
		e.kill()
		os.RemoveAll(dir)
	})
	e.start()
	return e
}

func (e *etcd) start() {
	e.t.Helper()
	e.cmd = exec.Command(os.Args[0])
	e.cmd.Env = append(os.Environ(), etcdVariable+"="+e.dir)
	e.cmd.Stderr = os.Stderr
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
}

// kill ends the process as a power cut would; start brings it back.
func (e *etcd) kill() {
	if e.cmd == nil {
		return
	}
	e.cmd.Process.Kill()
	e.cmd.Wait()
	e.cmd = nil
}

// signal halts (SIGSTOP) the process, so that connections stay but answers do not come, or lets it go on (SIGCONT).
func (e *etcd) signal(sig os.Signal) {
	if err := e.cmd.Process.Signal(sig); err != nil {
		e.t.Fatal(err)
	}
}

func (e *etcd) endpoints() []string { return []string{"unix://" + filepath.Join(e.dir, "client.sock")} }

// eventually waits until the condition holds on a snapshot of the store.
func eventually(t testing.TB, s *Store, what string, condition func(*Snapshot) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := s.Watch()
	defer w.Close()
	for !condition(s.Snapshot()) {
		if _, err := w.Next(ctx); err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

// runWriter commits records one after another and names each on stdout once it is acknowledged.
func runWriter(dir string) error {
	s, err := Open(context.Background(), Config{Dir: dir}, pets, keepers)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for worker := range 4 {
		go func() {
			for n := 0; ; n++ {
				p := pet{Owner: fmt.Sprintf("%d.%d", os.Getpid(), worker), Name: fmt.Sprint(n), Kind: "dog"}
				err := s.Update(context.Background(), func(tx *Tx) error {
					pets.Put(tx, &p)
					keepers.Put(tx, &keeper{Name: p.Owner, Pets: n})
					return nil
				})
				if err != nil {
					errs <- err
					return
				}
				os.Stdout.WriteString(petKey(&p) + "\n")
			}
		}()
	}
	return <-errs
}
