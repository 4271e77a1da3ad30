package logdriver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a server that gathers what it is sent.
type sink struct {
	t    *testing.T
	mu   sync.Mutex
	got  []string
	news chan struct{}
	l    net.Listener
	wg   sync.WaitGroup
	open []net.Conn
}

// listen takes connections and reads each with next until it fails.
func listen(t *testing.T, network, address string, next func(*bufio.Reader) (string, error)) *sink {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{t: t, news: make(chan struct{}, 1), l: l}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open = append(s.open, c)
			s.mu.Unlock()
			s.wg.Go(func() {
				for r := bufio.NewReader(c); ; {
					text, err := next(r)
					if err != nil {
						return
					}
					s.add(text)
				}
			})
		}
	})
	t.Cleanup(s.close)
	return s
}

func (s *sink) add(text string) {
	s.mu.Lock()
	s.got = append(s.got, text)
	s.mu.Unlock()
	signal(s.news)
}

func (s *sink) close() {
	_ = s.l.Close()
	s.mu.Lock()
	for _, c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *sink) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *sink) until(n int) []string {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if got := s.texts(); len(got) >= n {
			return got
		}
		select {
		case <-s.news:
		case <-deadline:
			s.t.Fatalf("only %q came", s.texts())
		}
	}
}

func textLine(r *bufio.Reader) (string, error) { return r.ReadString('\n') }

func untilZero(r *bufio.Reader) (string, error) {
	b, err := r.ReadBytes(0)
	return string(b), err
}

func TestSyslog(t *testing.T) {
	s := listen(t, "tcp", "127.0.0.1:0", textLine)
	r := start(t, t.TempDir(), nil)
	path := r.open("syslog", "syslog-address", "tcp://"+s.l.Addr().String(), "tag", "{{.Name}}", "syslog-format", "rfc3164", "syslog-facility", "local3")
	appendText(t, path, "one\n\ntwo\n")
	got := s.until(2)
	if len(got) != 2 || !regexp.MustCompile(`^<158>.* web\[\d+\]: one\n$`).MatchString(got[0]) || !strings.HasSuffix(got[1], ": two\n") {
		t.Errorf("messages %q", got)
	}
}

func TestGELF(t *testing.T) {
	s := listen(t, "tcp", "127.0.0.1:0", untilZero)
	r := start(t, t.TempDir(), nil)
	path, err := r.Open(t.Context(), Container{
		ID: testID, Name: "/web", Image: "nginx:1", Command: []string{"nginx", "-g"}, Env: []string{"STAGE=beta", "PASSWORD=x"}, Labels: map[string]string{"team": "a"},
	}, "gelf", map[string]string{"gelf-address": "tcp://" + s.l.Addr().String(), "env": "STAGE", "labels": "team"})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	appendText(t, path, "one\n")
	var m map[string]any
	if err := json.Unmarshal([]byte(strings.TrimRight(s.until(1)[0], "\x00")), &m); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"short_message": "one", "_container_name": "web", "_image_name": "nginx:1", "_command": "nginx -g", "_STAGE": "beta", "_team": "a", "_PASSWORD": nil, "level": 6.0} {
		if m[key] != want {
			t.Errorf("%s = %v", key, m[key])
		}
	}
	if at := m["timestamp"].(float64); at < float64(before.UnixMilli())/1000 || at > float64(time.Now().UnixMilli()+1)/1000 {
		t.Errorf("time %f", at)
	}
}

// forward reads a message of fluentd's forward protocol: its tag, and of its
// record the length of the line and whether it is the last piece.
func forward(r *bufio.Reader) (string, error) {
	v, err := messagePack(r)
	if err != nil {
		return "", err
	}
	parts := v.([]any)
	record := parts[2].(map[any]any)
	return fmt.Sprintf("%v %v %v", parts[0], len(record["log"].(string)), record["partial_last"]), nil
}

// messagePack reads what of MessagePack such messages consist of.
func messagePack(r *bufio.Reader) (any, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	text := func(n int) (any, error) {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return string(b), err
	}
	switch {
	case kind&0xf0 == 0x80:
		out := map[any]any{}
		for range kind & 0x0f {
			k, err := messagePack(r)
			if err != nil {
				return nil, err
			}
			if out[k], err = messagePack(r); err != nil {
				return nil, err
			}
		}
		return out, nil
	case kind&0xf0 == 0x90:
		var out []any
		for range kind & 0x0f {
			v, err := messagePack(r)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case kind&0xe0 == 0xa0:
		return text(int(kind & 0x1f))
	case kind == 0xd9, kind == 0xda:
		size := make([]byte, kind-0xd8)
		if _, err := io.ReadFull(r, size); err != nil {
			return nil, err
		}
		n := 0
		for _, b := range size {
			n = n<<8 | int(b)
		}
		return text(n)
	case kind == 0xd7: // a time with nanoseconds
		return text(9)
	}
	return nil, fmt.Errorf("byte %#x", kind)
}

// A fluentd that is not there yet, as a FireLens router that starts after, and
// that goes away for a while.
func TestFluentdComesAndGoes(t *testing.T) {
	t.Parallel()
	r := start(t, t.TempDir(), nil)
	socket := filepath.Join(t.TempDir(), "fluent.sock")
	path := r.open("fluentd", "fluentd-address", "unix://"+socket, "fluentd-async", "true", "fluentd-sub-second-precision", "true", "tag", "web-firelens-1")
	appendText(t, path, "one\n")
	s := listen(t, "unix", socket, forward)
	if got := s.until(1); got[0] != "web-firelens-1 3 <nil>" {
		t.Errorf("messages %q", got)
	}
	s.close()
	appendText(t, path, strings.Repeat("x", dockerLine+5)+"\n")
	s = listen(t, "unix", socket, forward)
	if got := s.until(2); !slices.Equal(got, []string{"web-firelens-1 16384 false", "web-firelens-1 5 true"}) {
		t.Errorf("messages %q", got)
	}
}

func TestSplunk(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var m struct{ Event struct{ Line string } }
		if err := json.NewDecoder(req.Body).Decode(&m); err == nil {
			got <- req.Header.Get("Authorization") + " " + m.Event.Line
		}
	}))
	defer server.Close()
	r := start(t, t.TempDir(), nil)
	path := r.open("splunk", "splunk-url", server.URL, "splunk-token", "token", "mode", "blocking")
	appendText(t, path, "one\n")
	if err := r.Close(testID); err != nil {
		t.Error(err)
	}
	if text := <-got; text != "Splunk token one" {
		t.Errorf("got %q", text)
	}
}

func TestDockersRefusals(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	for _, c := range []struct {
		driver  string
		options []string
		want    string
	}{
		{"nope", nil, "^logger: no log driver named 'nope' is registered$"},
		{"awsfirelens", nil, "^logger: no log driver named 'awsfirelens' is registered$"},
		{"syslog", []string{"nope", "1"}, "^unknown log opt 'nope' for syslog log driver$"},
		{"gelf", nil, "^gelf-address is a required parameter$"},
		{"fluentd", []string{"fluentd-address", "ftp://x"}, `^invalid fluentd-address \(ftp://x\): unsupported scheme: 'ftp'$`},
		{"fluentd", []string{"fluentd-address", "127.0.0.1:1"}, "^failed to initialize logging driver: .*connection refused$"},
		{"syslog", []string{"syslog-address", "tcp://127.0.0.1:1"}, "^failed to initialize logging driver: .*connection refused$"},
		{"splunk", []string{"splunk-url", "http://127.0.0.1:1"}, "^failed to initialize logging driver: splunk: splunk-token is expected$"},
	} {
		_, err := r.Open(t.Context(), Container{ID: testID}, c.driver, pairs(c.options))
		if err == nil || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s %v: %v", c.driver, c.options, err)
		}
	}
	if got := files(t, r.dir); len(got) > 0 {
		t.Errorf("files %v are left", got)
	}
}

func TestNames(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	got := slices.DeleteFunc(r.Names(), func(n string) bool { return n == "journald" })
	if !slices.Equal(got, []string{"json-file", "awslogs", "syslog", "gelf", "fluentd", "splunk", "awsfirelens", "none"}) {
		t.Errorf("names %v", got)
	}
	if path, err := r.Open(t.Context(), Container{ID: testID}, "none", nil); path != "" || err != nil {
		t.Errorf("none = %q, %v", path, err)
	}
}
