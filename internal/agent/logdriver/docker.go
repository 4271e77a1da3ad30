package logdriver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/backend"
	"github.com/docker/docker/daemon/logger"
	"github.com/docker/docker/daemon/logger/fluentd"
	"github.com/docker/docker/daemon/logger/gelf"
	"github.com/docker/docker/daemon/logger/journald"
	"github.com/docker/docker/daemon/logger/loggerutils"
	"github.com/docker/docker/daemon/logger/splunk"
	"github.com/docker/docker/daemon/logger/syslog"
)

// dockers are the drivers that Docker's own packages serve.
var dockers = map[string]logger.Creator{
	"syslog": syslog.New, "gelf": gelf.New, "fluentd": fluentd.New, "splunk": splunk.New, "journald": journald.New,
}

// dockerLine is the length at which Docker cuts a line in pieces for drivers
// without a limit of their own.
const dockerLine = 16 << 10

func journalListens() bool {
	_, err := os.Stat("/run/systemd/journal/socket")
	return err == nil
}

func validateDocker(driver string, options map[string]string) error {
	if dockers[driver] == nil {
		return fmt.Errorf("logger: no log driver named '%s' is registered", driver)
	}
	return logger.ValidateLogOpts(driver, options)
}

// docker sends with one of Docker's drivers.
type docker struct {
	driver string
	info   logger.Info
	log    *slog.Logger
	lazy   bool // the container starts before the destination listens

	part *backend.PartialLogMetaData // of the line that the last piece was of
	seq  int                         // pieces' ids

	mu     sync.Mutex
	logger logger.Logger // nil until it is needed, and after a failure
}

func newDocker(rec record, log *slog.Logger) (*docker, error) {
	if err := validateDocker(rec.Driver, withoutMode(rec.Options)); err != nil {
		return nil, err
	}
	d := &docker{driver: rec.Driver, info: dockerInfo(rec), log: log}
	if rec.Driver == "fluentd" {
		d.lazy, _ = strconv.ParseBool(rec.Options["fluentd-async"])
		d.info.Config = fluentdSync(d.info.Config)
	}
	return d, nil
}

func withoutMode(options map[string]string) map[string]string {
	rest := maps.Clone(options)
	delete(rest, "mode")
	delete(rest, "max-buffer-size")
	return rest
}

// fluentdSync has fluentd's client send each line before it takes the next: the
// log file is the queue, and the shipper tries again.
func fluentdSync(options map[string]string) map[string]string {
	out := maps.Clone(options)
	out["fluentd-async"], out["fluentd-max-retries"], out["fluentd-retry-wait"] = "false", "1", "10ms"
	delete(out, "fluentd-async-reconnect-interval")
	if out["fluentd-write-timeout"] == "" {
		out["fluentd-write-timeout"] = flushFor.String()
	}
	return out
}

func dockerInfo(rec record) logger.Info {
	info := logger.Info{
		// Docker's names begin with a slash, which fluentd shows.
		Config: withoutMode(rec.Options), ContainerID: rec.ID, ContainerName: "/" + strings.TrimPrefix(rec.Name, "/"), ContainerImageID: rec.ImageID,
		ContainerImageName: rec.Image, ContainerCreated: rec.CreatedAt, ContainerEnv: rec.Env, ContainerLabels: rec.Labels,
		DaemonName: "docker",
	}
	if len(rec.Command) > 0 {
		info.ContainerEntrypoint, info.ContainerArgs = rec.Command[0], rec.Command[1:]
	}
	return info
}

// expandTag is the option tag, or def, as Docker's templates expand it.
func expandTag(rec record, def string) (string, error) {
	return loggerutils.ParseLogTag(dockerInfo(rec), def)
}

func (d *docker) limits() limits {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.logger.(logger.SizedLogger); ok && s.BufSize() > 0 {
		return limits{line: min(s.BufSize(), maxEvent)}
	}
	return limits{line: dockerLine}
}

// prepare connects, so that a destination that is not there fails the container
// as it does with Docker.
func (d *docker) prepare(context.Context) error {
	if d.lazy {
		_, err := loggerutils.ParseLogTag(d.info, loggerutils.DefaultTemplate)
		return err
	}
	_, err := d.connected()
	return err
}

func (d *docker) connected() (logger.Logger, error) {
	d.mu.Lock()
	l := d.logger
	d.mu.Unlock()
	if l != nil {
		return l, nil
	}
	l, err := dockers[d.driver](d.info)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.logger = l
	d.mu.Unlock()
	return l, nil
}

func (d *docker) send(ctx context.Context, lines []line, _ bool) (int, error) {
	l, err := d.connected()
	if err != nil {
		return 0, err
	}
	for i, line := range lines {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		before := d.part
		if err := l.Log(d.message(line)); err != nil {
			d.part = before
			return i, errors.Join(err, d.close())
		}
	}
	return len(lines), nil
}

// message is what Docker's copier makes of a line; the driver puts it back.
func (d *docker) message(l line) *logger.Message {
	m := logger.NewMessage()
	m.Line = append(m.Line, l.text...)
	m.Source = "stdout"
	m.Timestamp = l.at
	if l.part && d.part == nil {
		d.seq++
		d.part = &backend.PartialLogMetaData{ID: fmt.Sprintf("%s-%d-%d", d.info.ContainerID, l.end, d.seq)}
	}
	if d.part != nil {
		d.part = &backend.PartialLogMetaData{ID: d.part.ID, Ordinal: d.part.Ordinal + 1, Last: !l.part}
		m.PLogMetaData = d.part
		if !l.part {
			d.part = nil
		}
	}
	return m
}

func (d *docker) close() error {
	d.mu.Lock()
	l := d.logger
	d.logger = nil
	d.mu.Unlock()
	if l == nil {
		return nil
	}
	return l.Close()
}
