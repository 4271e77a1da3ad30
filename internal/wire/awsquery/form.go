package awsquery

import (
	"net/url"
	"slices"
	"sort"
	"strings"
)

// MaxParams is how many parameters a form may have.
const MaxParams = 20_000

// Error is a form that cannot be decoded. Param names the parameter, empty for
// the form as a whole.
type Error struct {
	Param string
	Text  string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

type param struct{ name, value string }

// Form is a set of parameters, sorted by name.
type Form []param

// ParseForm reads url-encoded parameters; later parts are added to earlier
// ones. Of two parameters of one name the first holds.
func ParseForm(parts ...string) (Form, error) {
	var f Form
	for _, part := range parts {
		if strings.Count(part, "&")+len(f) >= MaxParams {
			return nil, &Error{Text: "Too many parameters"}
		}
		for pair := range strings.SplitSeq(part, "&") {
			if pair == "" {
				continue
			}
			k, v, _ := strings.Cut(pair, "=")
			name, err := url.QueryUnescape(k)
			if err != nil {
				return nil, &Error{Text: "The parameters cannot be decoded"}
			}
			value, err := url.QueryUnescape(v)
			if err != nil {
				return nil, &Error{Param: name, Text: "The value of parameter " + name + " cannot be decoded"}
			}
			f = append(f, param{name, value})
		}
	}
	slices.SortStableFunc(f, func(a, b param) int { return strings.Compare(a.name, b.name) })
	return f, nil
}

// Get returns the value of a parameter.
func (f Form) Get(name string) (string, bool) {
	i := f.search(name)
	if i < len(f) && f[i].name == name {
		return f[i].value, true
	}
	return "", false
}

func (f Form) search(name string) int {
	return sort.Search(len(f), func(i int) bool { return f[i].name >= name })
}

// under returns the parameters whose name starts with prefix and a dot.
func (f Form) under(prefix string) Form {
	// "/" follows "." in ASCII, so the range ends before prefix+"/".
	return f[f.search(prefix+"."):f.search(prefix+"/")]
}

// indexes returns the different numbers that follow prefix and a dot, in
// ascending order, as they are written.
func (f Form) indexes(prefix string) []string {
	var out []string
	for _, p := range f.under(prefix) {
		seg, _, _ := strings.Cut(p.name[len(prefix)+1:], ".")
		if isIndex(seg) && (len(out) == 0 || out[len(out)-1] != seg) {
			out = append(out, seg)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(out)
}

func isIndex(s string) bool {
	if s == "" || s[0] == '0' || len(s) > 9 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}
