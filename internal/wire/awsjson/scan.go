package awsjson

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deeply lists, maps and structures may nest, unknown members
// included.
const MaxDepth = 64

// Error is a body that cannot be decoded. AWS answers it with
// SerializationException; Text is AWS's, empty where AWS says nothing.
type Error struct{ Text string }

// Error returns the text, or a stand-in for an empty one.
func (e *Error) Error() string {
	if e.Text == "" {
		return "malformed JSON"
	}
	return e.Text
}

var malformed = &Error{}

// scanner reads JSON tokens.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return malformed
	}
	s.pos++
	return nil
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > MaxDepth {
		return &Error{Text: "Nesting is too deep"}
	}
	return nil
}

// literal consumes true, false or null.
func (s *scanner) literal(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return malformed
	}
	s.pos += len(word)
	return nil
}

// null consumes null if it is next.
func (s *scanner) null() (bool, error) {
	if s.peek() != 'n' {
		return false, nil
	}
	return true, s.literal("null")
}

// number consumes a number and returns its text, a part of the input.
func (s *scanner) number() ([]byte, error) {
	start := s.pos
	s.accept("-")
	if s.accept("0") == 0 && s.digits() == 0 {
		return nil, malformed
	}
	if s.accept(".") > 0 && s.digits() == 0 {
		return nil, malformed
	}
	if s.accept("eE") > 0 {
		s.accept("+-")
		if s.digits() == 0 {
			return nil, malformed
		}
	}
	return s.data[start:s.pos], nil
}

func (s *scanner) accept(set string) int {
	if s.pos < len(s.data) {
		for i := range len(set) {
			if s.data[s.pos] == set[i] {
				s.pos++
				return 1
			}
		}
	}
	return 0
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// text consumes a string. The result is a part of the input where it holds no
// escapes, and good until the input changes.
func (s *scanner) text() ([]byte, error) {
	if s.pos >= len(s.data) || s.data[s.pos] != '"' {
		return nil, malformed
	}
	s.pos++
	start := s.pos
	ascii := true
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			raw := s.data[start:s.pos]
			s.pos++
			if !ascii && !utf8.Valid(raw) {
				return nil, malformed
			}
			return raw, nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, malformed
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, malformed
}

// escaped goes on with a string from its first escape.
func (s *scanner) escaped(start int) ([]byte, error) {
	out := append(make([]byte, 0, 2*(s.pos-start)+32), s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return nil, malformed
			}
			return out, nil
		case c < ' ':
			return nil, malformed
		case c != '\\':
			out = append(out, c)
		default:
			var err error
			if out, err = s.escape(out); err != nil {
				return nil, err
			}
		}
	}
	return nil, malformed
}

// escape reads what follows a backslash.
func (s *scanner) escape(out []byte) ([]byte, error) {
	if s.pos >= len(s.data) {
		return nil, malformed
	}
	c := s.data[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		r, ok := s.hex4()
		if !ok {
			return nil, malformed
		}
		return utf8.AppendRune(out, s.surrogate(r)), nil
	}
	return nil, malformed
}

func (s *scanner) hex4() (rune, bool) {
	if len(s.data)-s.pos < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s.data[s.pos:s.pos+4]), 16, 16)
	s.pos += 4
	return rune(v), err == nil
}

// surrogate joins r with its other half if it is one; a lone half becomes
// U+FFFD.
func (s *scanner) surrogate(r rune) rune {
	if !utf16.IsSurrogate(r) || len(s.data)-s.pos < 6 || s.data[s.pos] != '\\' || s.data[s.pos+1] != 'u' {
		return r
	}
	back := s.pos
	s.pos += 2
	if low, ok := s.hex4(); ok {
		if joined := utf16.DecodeRune(r, low); joined != utf8.RuneError {
			return joined
		}
	}
	s.pos = back
	return r
}

// skip consumes any value.
func (s *scanner) skip() error {
	switch s.peek() {
	case '{':
		return s.object(func([]byte) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		_, err := s.number()
		return err
	}
}

// object reads a JSON object; value is called with each name, which is good
// until it returns, and consumes the value.
func (s *scanner) object(value func(name []byte) error) error {
	if err := s.open('{'); err != nil || s.closed('}') {
		return err
	}
	for {
		s.peek()
		name, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := value(name); err != nil {
			return err
		}
		if more, err := s.more('}'); !more || err != nil {
			return err
		}
	}
}

// array reads a JSON array; item consumes one.
func (s *scanner) array(item func() error) error {
	if err := s.open('['); err != nil || s.closed(']') {
		return err
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if more, err := s.more(']'); !more || err != nil {
			return err
		}
	}
}

func (s *scanner) open(c byte) error {
	if err := s.expect(c); err != nil {
		return err
	}
	return s.enter()
}

func (s *scanner) closed(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	s.depth--
	return true
}

// more consumes a comma, or the closing c.
func (s *scanner) more(c byte) (bool, error) {
	if s.closed(c) {
		return false, nil
	}
	return true, s.expect(',')
}
