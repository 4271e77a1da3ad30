package policy

import (
	"cmp"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/wildcard"
)

// operator compares a value of the request with one of the policy.
type operator struct {
	match func(r *Request, want template, have string) bool
	valid func(want string) bool // nil: every value is
	not   bool
	null  bool // it asks for the key's absence and compares nothing
}

// operators are by their names in small letters: AWS knows them in any case.
var operators = map[string]*operator{
	"stringequals":              {match: equals},
	"stringnotequals":           {match: equals, not: true},
	"stringequalsignorecase":    {match: equalsFold},
	"stringnotequalsignorecase": {match: equalsFold, not: true},
	"stringlike":                {match: like},
	"stringnotlike":             {match: like, not: true},
	"arnequals":                 {match: likeARN},
	"arnnotequals":              {match: likeARN, not: true},
	"arnlike":                   {match: likeARN},
	"arnnotlike":                {match: likeARN, not: true},
	"numericequals":             numeric(equal, false),
	"numericnotequals":          numeric(equal, true),
	"numericlessthan":           numeric(less, false),
	"numericlessthanequals":     numeric(most, false),
	"numericgreaterthan":        numeric(greater, false),
	"numericgreaterthanequals":  numeric(least, false),
	"dateequals":                dated(equal, false),
	"datenotequals":             dated(equal, true),
	"datelessthan":              dated(less, false),
	"datelessthanequals":        dated(most, false),
	"dategreaterthan":           dated(greater, false),
	"dategreaterthanequals":     dated(least, false),
	"bool":                      {match: equalsFold, valid: isBool},
	"binaryequals":              {match: equalsBinary, valid: isBinary},
	"ipaddress":                 {match: within, valid: isRange},
	"notipaddress":              {match: within, valid: isRange, not: true},
	"null":                      {null: true, valid: isBool},
}

func equals(r *Request, want template, have string) bool {
	text, ok := want.plain(r)
	return ok && text == have
}

func equalsFold(r *Request, want template, have string) bool {
	text, ok := want.plain(r)
	return ok && strings.EqualFold(text, have)
}

func like(r *Request, want template, have string) bool { return want.like(r, have) }

// likeARN compares the six parts of a name one by one, so that no * reaches over
// a colon but in the last.
func likeARN(r *Request, want template, have string) bool {
	match, text := wildcard.Match, want.text
	if want.parts != nil {
		var ok bool
		if text, ok = want.expand(r, true); !ok {
			return false
		}
		match = wildcard.MatchEscaped
	}
	for range 5 {
		p, prest, pmore := strings.Cut(text, ":")
		h, hrest, hmore := strings.Cut(have, ":")
		if !pmore || !hmore || !match(p, h) {
			return false
		}
		text, have = prest, hrest
	}
	return match(text, have)
}

// What is wanted of the order of the request's value and the policy's.
func equal(order int) bool   { return order == 0 }
func less(order int) bool    { return order < 0 }
func most(order int) bool    { return order <= 0 }
func greater(order int) bool { return order > 0 }
func least(order int) bool   { return order >= 0 }

func numeric(want func(order int) bool, not bool) *operator {
	return ordered(number, cmp.Compare[float64], want, not)
}

func dated(want func(order int) bool, not bool) *operator {
	return ordered(date, time.Time.Compare, want, not)
}

// ordered makes an operator of values that have an order.
func ordered[T any](read func(string) (T, bool), compare func(a, b T) int, want func(order int) bool, not bool) *operator {
	return &operator{
		not:   not,
		valid: func(s string) bool { _, ok := read(s); return ok },
		match: func(r *Request, t template, have string) bool {
			text, ok := t.plain(r)
			if !ok {
				return false
			}
			b, ok := read(text)
			if !ok {
				return false
			}
			a, ok := read(have)
			return ok && want(compare(a, b))
		},
	}
}

func number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && n == n
}

// date reads what AWS does: the W3C's forms of ISO 8601, or seconds since 1970.
func date(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

func equalsBinary(_ *Request, want template, have string) bool {
	a, err := base64.StdEncoding.DecodeString(want.text)
	if err != nil {
		return false
	}
	b, err := base64.StdEncoding.DecodeString(have)
	return err == nil && string(a) == string(b)
}

func isBinary(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}

func within(r *Request, want template, have string) bool {
	text, ok := want.plain(r)
	if !ok {
		return false
	}
	ip, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	prefix, ok := ipRange(text)
	return ok && prefix.Contains(ip.Unmap())
}

func isRange(s string) bool {
	_, ok := ipRange(s)
	return ok
}

// ipRange reads a CIDR, or an address that stands for itself alone.
func ipRange(s string) (netip.Prefix, bool) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(ip, ip.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}
