package logdriver

import (
	"strings"
	"time"
	"unicode/utf8"
)

// line is a line of a log or a piece of a long one.
type line struct {
	text string // without the newline
	end  int64  // offset in the log after it and its newline
	at   time.Time
	part bool // a piece that the next line goes on
}

// split cuts what stands in a log from an offset on into lines. What is not
// ended by a newline is left, unless it reaches limit bytes or is final. marks
// tell when the lines' ends arrived.
func split(text string, offset int64, limit int, marks []mark, final bool) []line {
	lines := make([]line, 0, strings.Count(text, "\n")+1)
	now := time.Now()
	for len(text) > 0 {
		n, skip, part := strings.IndexByte(text[:min(len(text), limit+1)], '\n'), 1, false
		switch {
		case n >= 0:
		case len(text) > limit:
			n, skip, part = runeStart(text, limit), 0, true
		case final:
			n, skip = len(text), 0
		default:
			return lines
		}
		l := line{text: text[:n], end: offset + int64(n+skip), part: part, at: now}
		for len(marks) > 0 && marks[0].offset < l.end {
			marks = marks[1:]
		}
		if len(marks) > 0 {
			l.at = time.Unix(0, marks[0].nanos)
		}
		lines, text, offset = append(lines, l), text[n+skip:], l.end
	}
	return lines
}

// runeStart is the last place, at most n, at which text can be cut without
// tearing a character apart.
func runeStart(text string, n int) int {
	for i := n; i > n-utf8.UTFMax && i > 0; i-- {
		if utf8.RuneStart(text[i]) {
			return i
		}
	}
	return n
}
