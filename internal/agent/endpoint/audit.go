package endpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// auditSize is where a file of the audit log ends (ECS agent). One older file
	// is kept beside it.
	auditSize = 10_000_000
	// auditVersion is the version of an entry's fields (ECS Developer Guide, "IAM
	// roles for tasks": credential audit log).
	auditVersion = 2
	maxAuditText = 256
)

// Audit is the log of who read credentials (ECS_AUDIT_LOGFILE).
type Audit struct {
	path              string
	cluster, instance string
	most              int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenAudit continues the log at path; its directory is made if absent.
func OpenAudit(path, cluster, containerInstanceARN string) (*Audit, error) {
	a := &Audit{path: path, cluster: cluster, instance: containerInstanceARN, most: auditSize}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return a, a.open()
}

// Close ends the log.
func (a *Audit) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}

func (a *Audit) open() error {
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open audit log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open audit log: %w", err), f.Close())
	}
	a.file, a.size = f, info.Size()
	return nil
}

func (a *Audit) write(line string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.size+int64(len(line)) > a.most {
		if err := a.roll(); err != nil {
			return err
		}
	}
	n, err := a.file.WriteString(line)
	a.size += int64(n)
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// roll moves the file aside. If that fails the full one stays open, and is tried
// again with the next entry.
func (a *Audit) roll() error {
	if err := os.Rename(a.path, a.path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("roll audit log: %w", err)
	}
	old := a.file
	if err := a.open(); err != nil {
		return err
	}
	return old.Close()
}

// line is an entry: time, status, client, path, user agent, task, event,
// version, cluster, instance. The ids in paths are secrets and left out.
func (a *Audit) line(r *http.Request, now time.Time, status int, task, event string) string {
	entry := fmt.Sprintf("%s %d %s %s %s %s ", now.UTC().Format(time.RFC3339), status, orDash(r.RemoteAddr), quoted(public(r.URL.Path)), quoted(r.UserAgent()), orDash(task))
	if event != "" {
		entry += fmt.Sprintf("%s %d %s %s", event, auditVersion, orDash(a.cluster), orDash(a.instance))
	}
	return entry + "\n"
}

// public is a path without its secret id.
func public(path string) string {
	if strings.HasPrefix(path, "/v2/credentials/") {
		return "/v2/credentials"
	}
	for _, root := range []string{"/v3/", "/v4/", "/api/"} {
		if below, ok := strings.CutPrefix(path, root); ok {
			_, rest, _ := strings.Cut(below, "/")
			return root + "-/" + rest
		}
	}
	return path
}

// quoted keeps what a client says on one line and short.
func quoted(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if len(s) > maxAuditText {
		s = strings.ToValidUTF8(s[:maxAuditText], "")
	}
	return `"` + s + `"`
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// audit notes a request. That it cannot be noted is no reason to refuse it.
func (s *server) audit(r *http.Request, status int, task, event string) {
	if s.cfg.Audit == nil {
		return
	}
	if err := s.cfg.Audit.write(s.cfg.Audit.line(r, time.Now(), status, task, event)); err != nil {
		s.cfg.Log.Warn("audit log not written", "error", err)
	}
}
