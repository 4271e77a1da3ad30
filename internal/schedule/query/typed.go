package query

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// version is a semantic version; build metadata is dropped.
type version struct {
	numbers [3]uint64
	pre     string // pre-release; sorts before the release
}

// parseVersion reads 1, 1.2 or 1.2.3, with an optional leading v, pre-release and build.
func parseVersion(s string) (version, bool) {
	s = strings.TrimPrefix(s, "v")
	s, _, _ = strings.Cut(s, "+")
	core, pre, dashed := strings.Cut(s, "-")
	parts := strings.Split(core, ".")
	if len(parts) > 3 || dashed && pre == "" {
		return version{}, false
	}
	v := version{pre: pre}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || part[0] == '+' {
			return version{}, false
		}
		v.numbers[i] = n
	}
	return v, true
}

// compare orders versions as semver.org item 11 does.
func (v version) compare(w version) int {
	for i, n := range v.numbers {
		if c := cmp.Compare(n, w.numbers[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	return comparePre(v.pre, w.pre)
}

// comparePre orders pre-releases: part by part, numbers before words, the shorter of two equal beginnings first.
func comparePre(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		m, errM := strconv.ParseUint(as[i], 10, 64)
		n, errN := strconv.ParseUint(bs[i], 10, 64)
		c := 0
		switch {
		case errM == nil && errN == nil:
			c = cmp.Compare(m, n)
		case errM == nil:
			c = -1
		case errN == nil:
			c = 1
		default:
			c = strings.Compare(as[i], bs[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// timeLayouts are the date formats of the developer guide; one without an offset is UTC.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly}

// parseTime reads a date or a date and time, to the second as registeredAt is compared.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}

func parseCount(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil
}
