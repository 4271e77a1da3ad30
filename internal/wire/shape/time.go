package shape

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Time is a point in time in UTC with the precision of the APIs, a
// millisecond. In JSON it is a number of seconds since 1970 with a fraction; in
// XML it is an ISO-8601 string.
type Time struct{ time.Time }

// The years that AWS's own date types can write.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
)

// At returns t as an API time, cut to the millisecond; nil if t is zero, so
// that a time which was never set is absent from the answer.
func At(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t.UTC().Truncate(time.Millisecond)}
}

// Or returns the time, or the zero time if t is nil.
func (t *Time) Or() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// AppendEpoch appends the time as seconds since 1970: 1700000000.123.
func (t Time) AppendEpoch(b []byte) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	frac := int(ms % 1000)
	if frac == 0 {
		return b
	}
	b = append(b, '.', byte('0'+frac/100))
	if frac%100 == 0 {
		return b
	}
	b = append(b, byte('0'+frac/10%10))
	if frac%10 == 0 {
		return b
	}
	return append(b, byte('0'+frac%10))
}

// AppendISO appends the time as 2006-01-02T15:04:05.000Z.
func (t Time) AppendISO(b []byte) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

// MarshalJSON writes epoch seconds.
func (t Time) MarshalJSON() ([]byte, error) { return t.AppendEpoch(nil), nil }

// UnmarshalJSON reads epoch seconds or an ISO-8601 string.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if len(b) >= 2 && b[0] == '"' {
		return t.fromISO(string(b[1 : len(b)-1]))
	}
	got, err := ParseEpoch(string(b))
	if err != nil {
		return err
	}
	*t = got
	return nil
}

func (t *Time) fromISO(s string) error {
	got, err := ParseISO(s)
	if err != nil {
		return err
	}
	*t = got
	return nil
}

// ParseEpoch reads a JSON number of seconds since 1970.
func ParseEpoch(s string) (Time, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Time{}, fmt.Errorf("parse time %q: %w", s, err)
	}
	ms := math.Round(f * 1000)
	if math.IsNaN(ms) || ms < float64(minTime.UnixMilli()) || ms > float64(maxTime.UnixMilli()) {
		return Time{}, fmt.Errorf("parse time %q: out of range", s)
	}
	return Time{time.UnixMilli(int64(ms)).UTC()}, nil
}

// ParseISO reads an ISO-8601 time, or a bare date, which query clients send.
func ParseISO(s string) (Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if got, err := time.Parse(layout, s); err == nil {
			return Time{got.UTC().Truncate(time.Millisecond)}, nil
		}
	}
	return Time{}, fmt.Errorf("parse time %q: not ISO-8601", s)
}
