package logdriver

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of PutLogEvents, from its API reference and the quotas of
// CloudWatch Logs.
const (
	maxPutBytes   = 1 << 20
	maxPutEvents  = 10_000
	maxPutSpan    = 24 * time.Hour
	eventOverhead = 26
	maxEvent      = 256<<10 - eventOverhead
)

// batch gathers the events of one PutLogEvents.
type batch struct {
	events []event
	bytes  int
}

// fill takes as many lines as fit and tells how many. With a pattern, lines are
// joined to events, each beginning with a line that matches; the last event is
// taken if it is final or has waited for interval.
func (b *batch) fill(lines []line, begins *regexp.Regexp, interval time.Duration, final bool) int {
	for taken := 0; taken < len(lines); {
		n := 1
		text := lines[taken].text
		if begins != nil {
			var complete bool
			if text, n, complete = join(lines[taken:], begins); !complete && !final && time.Since(lines[taken].at) < interval {
				return taken
			}
		}
		if !b.add(text, lines[taken].at.UnixMilli()) {
			return taken
		}
		taken += n
	}
	return len(lines)
}

// join gives the event at the front: its text, with a newline after each line as
// Docker's driver leaves it, of how many lines it is, and whether the event is
// known to end there.
func join(lines []line, begins *regexp.Regexp) (text string, n int, complete bool) {
	var out strings.Builder
	size := 0
	for i, l := range lines {
		bytes := validLen(l.text) + 1
		if i > 0 && (begins.MatchString(l.text) || size+bytes > maxEvent) {
			return out.String(), i, true
		}
		size += bytes
		out.WriteString(l.text)
		if !l.part {
			out.WriteByte('\n')
		}
	}
	return out.String(), len(lines), size > maxEvent
}

// add takes an event, in pieces if it is longer than the service allows, and an
// empty one not at all; false if there is no room.
func (b *batch) add(text string, millis int64) bool {
	if len(b.events) > 0 {
		// One request is in the order of time and spans at most a day.
		first, last := b.events[0].Millis, b.events[len(b.events)-1].Millis
		if millis < last || millis-first >= maxPutSpan.Milliseconds() {
			return false
		}
	}
	size := validLen(text)
	pieces := (size + maxEvent - utf8.UTFMax) / (maxEvent - utf8.UTFMax + 1)
	if len(b.events) > 0 && (len(b.events)+pieces > maxPutEvents || b.bytes+size+pieces*eventOverhead > maxPutBytes) {
		return false
	}
	for text = valid(text, size); text != ""; {
		n := len(text)
		if n > maxEvent {
			n = runeStart(text, maxEvent)
		}
		b.events = append(b.events, event{Millis: millis, Message: text[:n]})
		b.bytes += n + eventOverhead
		text = text[n:]
	}
	return true
}

// valid replaces each byte that is not UTF-8 by U+FFFD, as Docker's driver has
// it; size is the result's length.
func valid(text string, size int) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	b.Grow(size)
	for _, r := range text {
		b.WriteRune(r)
	}
	return b.String()
}

// validLen is the length of the text once it is valid.
func validLen(text string) int {
	if utf8.ValidString(text) {
		return len(text)
	}
	n := 0
	for _, r := range text {
		n += utf8.RuneLen(r)
	}
	return n
}
