package policy

import (
	"strings"

	"github.com/slipway/slipway/internal/wildcard"
)

// template is a text that may hold policy variables, such as
// ${aws:PrincipalTag/team}, for which the request's own values stand.
type template struct {
	text  string
	parts []part // nil: no variables
}

// part is a piece of text, or a variable.
type part struct {
	text     string // as it is; or the value that stands for a variable which is absent
	key      string // of a variable, in small letters
	fallback bool   // the variable has a value for its absence
	literal  bool   // text is to be taken letter by letter, as in ${*}
}

// parseTemplate takes text apart. Documents of version 2008-10-17 know no
// variables (IAM user guide, "Policy elements: Variables and tags").
func parseTemplate(text string, variables bool) template {
	t := template{text: text}
	if !variables || !strings.Contains(text, "${") {
		return t
	}
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, "${")
		name, tail, closed := strings.Cut(after, "}")
		if !found || !closed {
			t.parts = append(t.parts, part{text: rest})
			break
		}
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		t.parts = append(t.parts, variable(name))
		rest = tail
	}
	return t
}

// variable reads what is between the braces: a key, a key with a value for its
// absence, or one of the characters that could not be written otherwise.
func variable(name string) part {
	if name == "*" || name == "?" || name == "$" {
		return part{text: name, literal: true}
	}
	key, rest, _ := strings.Cut(name, ",")
	p := part{key: strings.ToLower(strings.TrimSpace(key))}
	if value := strings.TrimSpace(rest); len(value) >= 2 && value[0] == '\'' && value[len(value)-1] == '\'' {
		p.text, p.fallback = value[1:len(value)-1], true
	}
	return p
}

// like tells whether have fits the template as a pattern.
func (t template) like(r *Request, have string) bool {
	if t.parts == nil {
		return wildcard.Match(t.text, have)
	}
	pattern, ok := t.expand(r, true)
	return ok && wildcard.MatchEscaped(pattern, have)
}

// plain returns the text with the values for the variables.
func (t template) plain(r *Request) (string, bool) {
	if t.parts == nil {
		return t.text, true
	}
	return t.expand(r, false)
}

var (
	escapeAll  = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)
	escapeSelf = strings.NewReplacer(`\`, `\\`)
)

// expand puts values for variables, escaped if they become part of a pattern. It
// is false if a variable has no value, or several: then nothing fits.
func (t template) expand(r *Request, pattern bool) (string, bool) {
	var b strings.Builder
	for _, p := range t.parts {
		text, value := p.text, p.literal
		if p.key != "" {
			value = true
			found, _ := r.get(p.key)
			switch {
			case len(found) == 1:
				text = found[0]
			case !p.fallback || len(found) > 1:
				return "", false
			}
		}
		switch {
		case pattern && value:
			text = escapeAll.Replace(text)
		case pattern:
			text = escapeSelf.Replace(text)
		}
		b.WriteString(text)
	}
	return b.String(), true
}
