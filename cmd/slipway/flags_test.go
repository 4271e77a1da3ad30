package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string // in the error
	}{
		{"a flag that is not", []string{"up", "--no-such-flag"}, "unknown flag: --no-such-flag"},
		{"a command that is not", []string{"sail"}, `unknown command "sail"`},
		{"words that nobody reads", []string{"server", "now"}, `unknown command "now"`},
		{"fewer than no instances", []string{"up", "--instances", "-1"}, "--instances -1: must not be negative"},
		{"a number that is none", []string{"up", "--instances", "three"}, "invalid argument"},
		{"an open address without TLS", []string{"server", "--listen", "0.0.0.0:0"}, "--listen 0.0.0.0:0 is not loopback"},
		{"an address without a port", []string{"server", "--listen", "127.0.0.1"}, `--listen "127.0.0.1"`},
		{"a certificate without its key", []string{"server", "--tls-cert", "c.pem"}, "--tls-cert and --tls-key go together"},
		{"a certificate that is not there", []string{"server", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"}, "load the certificate"},
		{"a host that is not loopback", []string{"server", "--listen", "example.com:0"}, "is not loopback"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out, err := run(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want …%s…; printed %q", err, c.want, out)
			}
		})
	}
}

func TestLoopbackNeedsNoTLS(t *testing.T) {
	for _, o := range []serverOptions{
		{listen: "127.0.0.1:0"}, {listen: "localhost:0"}, {listen: "[::1]:0"}, {listen: "0.0.0.0:0", insecure: true},
	} {
		if cfg, err := o.certificate(); cfg != nil || err != nil {
			t.Errorf("%s: %v, %v", o.listen, cfg, err)
		}
	}
}

func TestLogger(t *testing.T) {
	for _, c := range []struct {
		flags logFlags
		want  string // how what is written begins; "": nothing is
	}{
		{logFlags{"info", "text"}, "time="},
		{logFlags{"info", "JSON"}, `{"time":`},
		{logFlags{"warn", "text"}, ""},
	} {
		var out bytes.Buffer
		c.flags.logger(&out).Info("hello", slog.String("k", "v"))
		if !strings.HasPrefix(out.String(), c.want) || c.want == "" && out.Len() > 0 {
			t.Errorf("%+v wrote %q", c.flags, out.String())
		}
	}
}

func TestProgressIsForPeople(t *testing.T) {
	var out bytes.Buffer
	progress(&out)("step")
	if out.Len() > 0 {
		t.Errorf("wrote %q to what is no terminal", out.String())
	}
}
