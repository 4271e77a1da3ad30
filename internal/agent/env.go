package agent

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// env reads variables as the ECS agent does: for nearly all, a value that can't be
// read counts as none, with a warning; a few must be right.
type env struct {
	get      func(string) string
	warnings []string
	errs     []error
}

func (e *env) fail(name string, err error) {
	e.errs = append(e.errs, fmt.Errorf("%s: %w", name, err))
}

func (e *env) warn(name, format string, args ...any) {
	e.warnings = append(e.warnings, name+": "+fmt.Sprintf(format, args...))
}

func (e *env) text(name, otherwise string) string {
	if v := strings.TrimSpace(e.get(name)); v != "" {
		return v
	}
	return otherwise
}

// list reads names with commas between them.
func (e *env) list(name string) []string {
	var out []string
	for part := range strings.SplitSeq(e.get(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// number reads a whole number in [least, most].
func (e *env) number(name string, otherwise, least, most int64) int64 {
	v := e.text(name, "")
	if v == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < least || n > most {
		e.warn(name, "%q is not a whole number from %d to %d, %d is used", v, least, most, otherwise)
		return otherwise
	}
	return n
}

// duration reads Go's notation.
func (e *env) duration(name string, otherwise time.Duration) time.Duration {
	v := e.text(name, "")
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		e.warn(name, "%q is not a duration such as 30s or 2h, %s is used", v, otherwise)
		return otherwise
	}
	if d == 0 { // is no value
		return otherwise
	}
	return d
}

// atLeast is a duration that is raised to a bound.
func (e *env) atLeast(name string, otherwise, least time.Duration) time.Duration {
	d := e.duration(name, otherwise)
	if d < least {
		e.warn(name, "%s is too short, %s is used", d, least)
		return least
	}
	return d
}

// within is a duration that counts as none outside of its bounds.
func (e *env) within(name string, otherwise, least, most time.Duration) time.Duration {
	d := e.duration(name, otherwise)
	if d < least || most > 0 && d > most {
		e.warn(name, "%s is out of bounds, %s is used", d, otherwise)
		return otherwise
	}
	return d
}

func (e *env) flag(name string, otherwise bool) bool {
	v := e.text(name, "")
	if v == "" {
		return otherwise
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		e.warn(name, "%q is neither true nor false, %t is used", v, otherwise)
		return otherwise
	}
	return b
}

// oneOf reads one of some values; the first is the default.
func (e *env) oneOf(name string, values ...string) string {
	v := e.text(name, values[0])
	if !slices.Contains(values, v) {
		e.warn(name, "%q is not one of %s, %s is used", v, strings.Join(values, ", "), values[0])
		return values[0]
	}
	return v
}

// pairs reads a JSON object. One that can't be read is an error at Amazon, too:
// an instance without its attributes gets other tasks.
func (e *env) pairs(name string) map[string]string {
	v := e.get(name)
	if v == "" {
		return nil
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(v), &out); err != nil {
		e.fail(name, fmt.Errorf("it is not a JSON object of strings: %w", err))
		return nil
	}
	return out
}

func (e *env) ports(name string, otherwise []int32) []int32 {
	v := e.text(name, "")
	if v == "" {
		return otherwise
	}
	var read []uint16
	if err := json.Unmarshal([]byte(v), &read); err != nil {
		e.warn(name, "%q is not a JSON array of ports such as [22, 80], %v is used", v, otherwise)
		return otherwise
	}
	out := make([]int32, len(read))
	for i, p := range read {
		out[i] = int32(p)
	}
	return out
}

// portRange reads "49153-65535"; zeros are the kernel's range.
func (e *env) portRange(name string) (first, last uint16) {
	v := e.text(name, "")
	if v == "" {
		return 0, 0
	}
	lo, hi, _ := strings.Cut(v, "-")
	a, aerr := strconv.ParseUint(lo, 10, 16)
	b, berr := strconv.ParseUint(hi, 10, 16)
	if aerr != nil || berr != nil || a == 0 || b < a {
		e.warn(name, "%q is not a range of ports such as 49153-65535, the kernel's is used", v)
		return 0, 0
	}
	return uint16(a), uint16(b)
}

// rate reads "steady,burst".
func (e *env) rate(name string, steady, burst int) (int, int) {
	v := e.text(name, "")
	if v == "" {
		return steady, burst
	}
	first, second, _ := strings.Cut(v, ",")
	a, aerr := strconv.Atoi(strings.TrimSpace(first))
	b, berr := strconv.Atoi(strings.TrimSpace(second))
	if aerr != nil || berr != nil || a <= 0 || b <= 0 {
		e.warn(name, "%q is not a rate and a burst such as 40,60, %d,%d is used", v, steady, burst)
		return steady, burst
	}
	return a, b
}

// knownDrivers are the log drivers that a list may name, whether this agent has
// them or not.
var knownDrivers = []string{
	"awsfirelens", "awslogs", "fluentd", "gelf", "journald", "json-file", "logentries", "none", "splunk", "sumologiclogs", "syslog",
}

// drivers reads a JSON array of log drivers; nil is all that there are.
func (e *env) drivers(name string) []string {
	v := e.text(name, "")
	if v == "" {
		return nil
	}
	out := []string{}
	if err := json.Unmarshal([]byte(v), &out); err != nil {
		e.warn(name, "%q is not a JSON array such as [\"json-file\",\"awslogs\"], all drivers are offered", v)
		return nil
	}
	bad := slices.DeleteFunc(slices.Clone(out), func(d string) bool { return slices.Contains(knownDrivers, d) })
	if len(bad) > 0 {
		e.fail(name, fmt.Errorf("unknown log drivers: %s", strings.Join(bad, ", ")))
	}
	return out
}

// level reads the ECS agent's names of log levels.
func (e *env) level(name string) slog.Level {
	switch v := strings.ToLower(e.text(name, "info")); v {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error", "crit", "none":
		return slog.LevelError
	default:
		e.warn(name, "%q is not a log level, info is used", v)
		return slog.LevelInfo
	}
}

// drain reads how long to drain: a duration, or true for the usual one.
func (e *env) drain(name string) time.Duration {
	if b, err := strconv.ParseBool(e.text(name, "false")); err == nil {
		if b {
			return usualDrain
		}
		return 0
	}
	return e.duration(name, 0)
}
