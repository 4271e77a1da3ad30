package ssmchannel

import (
	"errors"
	"strings"
)

// The ways in which a command can be unfinished, in the words that users of the
// SSM agent see.
var (
	ErrQuote  = errors.New("EOF found when expecting closing quote")
	ErrEscape = errors.New("EOF found after escape character")
)

// Split cuts a command into words as the SSM agent does in containers: blanks
// separate, '…' keeps everything, "…" knows \, a \ keeps the next character, and
// a # in front of a word begins a comment that ends with its line.
func Split(command string) ([]string, error) {
	s := splitter{rest: []rune(command)}
	for len(s.rest) > 0 {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.end()
	return s.words, nil
}

type splitter struct {
	rest   []rune
	words  []string
	word   strings.Builder
	inWord bool
}

func (s *splitter) next() rune {
	c := s.rest[0]
	s.rest = s.rest[1:]
	return c
}

func (s *splitter) add(c rune) {
	s.word.WriteRune(c)
	s.inWord = true
}

func (s *splitter) end() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}

func (s *splitter) step() error {
	switch c := s.next(); {
	case strings.ContainsRune(" \t\r\n", c):
		s.end()
	case c == '#' && !s.inWord:
		for len(s.rest) > 0 && s.next() != '\n' {
		}
	case c == '\\':
		if len(s.rest) == 0 {
			return ErrEscape
		}
		s.add(s.next())
	case c == '\'' || c == '"':
		return s.quoted(c)
	default:
		s.add(c)
	}
	return nil
}

// quoted reads up to the closing quote.
func (s *splitter) quoted(quote rune) error {
	s.inWord = true
	for len(s.rest) > 0 {
		c := s.next()
		switch {
		case c == quote:
			return nil
		case c == '\\' && quote == '"':
			if len(s.rest) == 0 {
				return ErrEscape
			}
			c = s.next()
		}
		s.add(c)
	}
	return ErrQuote
}

// Join makes the command that Split cuts into these words.
func Join(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
