package ssm

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// Got is a version as it was asked for.
type Got struct {
	Parameter *Parameter
	Version   *Version
	Selector  string // ":3" or ":label", if one was given
	Value     string // of a SecureString that was not to be decrypted: its ciphertext
	Labels    []string
}

// Get returns what ref names: a name or an ARN, with ":version" or ":label" after it, the newest version without.
func (r *Room) Get(s Scope, ref string, decrypt bool) (Got, error) {
	snap := r.st.Snapshot()
	p, selector, err := lookup(snap, s, ref)
	if err != nil {
		return Got{}, err
	}
	number := p.Latest
	if selector != "" {
		if number, err = p.selected(selector); err != nil {
			return Got{}, err
		}
	}
	got, err := r.version(snap, p, number, decrypt)
	if selector != "" {
		got.Selector = ":" + selector
	}
	return got, err
}

// Find returns the parameter of that name or ARN. The record is shared: read only.
func (r *Room) Find(s Scope, ref string) (*Parameter, error) {
	p, selector, err := lookup(r.st.Snapshot(), s, ref)
	if err == nil && selector != "" {
		return nil, errNotFound
	}
	return p, err
}

func lookup(reader store.Reader, s Scope, ref string) (p *Parameter, selector string, err error) {
	name, ok := nameOf(s, ref)
	if !ok {
		return nil, "", errNotFound
	}
	name, selector, _ = strings.Cut(name, ":")
	for _, n := range []string{name, strings.TrimPrefix(name, "/")} {
		p, found := Parameters.Get(reader, s.Key(n))
		if found && (n == name || arn.Is(ref)) { // an ARN does not tell whether the name began with a slash
			return p, selector, nil
		}
	}
	return nil, "", errNotFound
}

func nameOf(s Scope, ref string) (string, bool) {
	if !arn.Is(ref) {
		return ref, true
	}
	a, err := arn.Parse(ref)
	name, ok := strings.CutPrefix(a.Resource, "parameter")
	return name, err == nil && ok && a.Service == "ssm" && a.Account == s.Account && a.Region == s.Region
}

// selected is the version that a selector names.
func (p *Parameter) selected(selector string) (int64, error) {
	if n, err := strconv.ParseInt(selector, 10, 64); err == nil {
		if n < p.Oldest || n > p.Latest {
			return 0, refuse("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", n, p.Name)
		}
		return n, nil
	}
	n, ok := p.Labels[selector]
	if !ok {
		return 0, refuse("ParameterVersionNotFound", "Systems Manager could not find version label %s of %s. Verify the version label and try again.", selector, p.Name)
	}
	return n, nil
}

func (r *Room) version(reader store.Reader, p *Parameter, number int64, decrypt bool) (Got, error) {
	v, ok := versions.Get(reader, versionKey(p.Scope, p.Name, number))
	if !ok {
		return Got{}, fmt.Errorf("version %d of parameter %s is missing", number, p.Name)
	}
	got := Got{Parameter: p, Version: v, Value: v.Value, Labels: p.labelsOf(number)}
	switch {
	case v.Type != SecureString:
	case decrypt:
		value, err := r.cfg.Box.Open(v.Sealed, v.Key())
		if err != nil {
			return Got{}, fmt.Errorf("read version %d of parameter %s: %w", number, p.Name, err)
		}
		got.Value = string(value)
	default:
		got.Value = base64.StdEncoding.EncodeToString(v.Sealed)
	}
	return got, nil
}

// History returns the versions that are kept, oldest first.
func (r *Room) History(s Scope, ref string, decrypt bool) ([]Got, error) {
	snap := r.st.Snapshot()
	p, selector, err := lookup(snap, s, ref)
	if err != nil || selector != "" {
		return nil, errNotFound
	}
	var all []Got
	for n := p.Oldest; n <= p.Latest; n++ {
		got, err := r.version(snap, p, n, decrypt)
		if err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	return all, nil
}

// List walks the newest versions of the parameters of a scope whose name starts with prefix, in the order of names
// from the first after the given one, until yield returns false.
func (r *Room) List(s Scope, prefix, after string, decrypt bool, yield func(Got) bool) error {
	snap := r.st.Snapshot()
	for p := range Parameters.ListAfter(snap, s.Prefix()+store.Key(prefix), s.Key(after)) {
		got, err := r.version(snap, p, p.Latest, decrypt)
		if err != nil {
			return err
		}
		if !yield(got) {
			return nil
		}
	}
	return nil
}
