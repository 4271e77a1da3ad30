package ssmapi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ssm"
	"github.com/slipway/slipway/internal/service/ssm/ssmshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// How many results a page has unless the client says otherwise, which is also the most that it may ask for.
const (
	byPathSize   = 10
	describeSize = 50
)

func size(maxResults *int32, usual int) int {
	if maxResults == nil {
		return usual
	}
	return int(*maxResults)
}

func errToken() error { return apierr.Client("InvalidNextToken", "The specified token isn't valid.") }

// list collects a page of the parameters below a prefix that match.
func (a *api) list(call *wire.Call, prefix string, token *string, limit int, decrypt bool, about []string, match func(ssm.Got) bool) ([]ssm.Got, *string, error) {
	scopeOf := page.Scope(append([]string{call.Operation, call.Account, call.Region, prefix}, about...)...)
	after, err := page.Decode(scopeOf, deref(token))
	if err != nil {
		return nil, nil, errToken()
	}
	var all []ssm.Got
	more := false
	err = a.room.List(scope(call), prefix, after, decrypt, func(got ssm.Got) bool {
		if !match(got) {
			return true
		}
		if more = len(all) == limit; more {
			return false
		}
		all = append(all, got)
		return true
	})
	if err != nil || !more {
		return all, nil, err
	}
	return all, new(page.Encode(scopeOf, all[len(all)-1].Parameter.Name)), nil
}

func (a *api) getParametersByPath(_ context.Context, call *wire.Call, in *ssmshape.GetParametersByPathInput) (*ssmshape.GetParametersByPathOutput, error) {
	if !strings.HasPrefix(*in.Path, "/") {
		return nil, apierr.Client("ValidationException", "The parameter path %s is not valid: it must begin with a forward slash (/).", *in.Path)
	}
	filters, err := filtersOf(in.ParameterFilters, "Type", "KeyId", "Label", "Tier", "DataType")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSuffix(*in.Path, "/") + "/"
	match := func(got ssm.Got) bool {
		return below(got.Parameter.Name, root, deref(in.Recursive)) && filters.match(got)
	}
	prefix := root
	if root == "/" {
		prefix = "" // names that are no paths are below the root too
	}
	list, next, err := a.list(call, prefix, in.NextToken, size(in.MaxResults, byPathSize), deref(in.WithDecryption), filters.names(), match)
	if err != nil {
		return nil, err
	}
	out := &ssmshape.GetParametersByPathOutput{NextToken: next, Parameters: []ssmshape.Parameter{}}
	for _, got := range list {
		out.Parameters = append(out.Parameters, *parameter(got))
	}
	return out, nil
}

// below tells whether a name is under a root, which ends with a slash, directly or at any depth.
func below(name, root string, deep bool) bool {
	rest, ok := strings.CutPrefix(name, root)
	if root == "/" && !ok {
		rest, ok = name, true
	}
	return ok && (deep || !strings.Contains(rest, "/"))
}

func (a *api) getParameterHistory(_ context.Context, call *wire.Call, in *ssmshape.GetParameterHistoryInput) (*ssmshape.GetParameterHistoryOutput, error) {
	all, err := a.room.History(scope(call), *in.Name, deref(in.WithDecryption))
	if err != nil {
		return nil, visible(err)
	}
	key := func(got ssm.Got) string { return fmt.Sprintf("%019d", got.Version.Number) }
	list, next, err := page.Cut(all, key, page.Scope(call.Operation, call.Account, call.Region, *in.Name), deref(in.NextToken), size(in.MaxResults, describeSize))
	if err != nil {
		return nil, errToken()
	}
	out := &ssmshape.GetParameterHistoryOutput{NextToken: given(next), Parameters: []ssmshape.ParameterHistory{}}
	for _, got := range list {
		v := got.Version
		out.Parameters = append(out.Parameters, ssmshape.ParameterHistory{
			Name: &v.Name, Type: &v.Type, Value: &got.Value, Version: &v.Number, Labels: got.Labels, Tier: &v.Tier, DataType: &v.DataType,
			Description: given(v.Description), AllowedPattern: given(v.AllowedPattern), KeyId: given(v.KeyID),
			LastModifiedDate: new(shape.Time{Time: v.ModifiedAt}), LastModifiedUser: &v.ModifiedBy, Policies: []ssmshape.ParameterInlinePolicy{},
		})
	}
	return out, nil
}

func (a *api) describeParameters(_ context.Context, call *wire.Call, in *ssmshape.DescribeParametersInput) (*ssmshape.DescribeParametersOutput, error) {
	if len(in.Filters) > 0 && len(in.ParameterFilters) > 0 {
		return nil, apierr.Client("ValidationException", "You can use either Filters or ParameterFilters in a single request.")
	}
	wanted := in.ParameterFilters
	for _, f := range in.Filters { // the older form knows prefixes only
		wanted = append(wanted, ssmshape.ParameterStringFilter{Key: f.Key, Option: new("BeginsWith"), Values: f.Values})
	}
	filters, err := filtersOf(wanted, "Name", "Path", "Type", "KeyId", "Tier", "DataType", "tag")
	if err != nil {
		return nil, err
	}
	list, next, err := a.list(call, "", in.NextToken, size(in.MaxResults, describeSize), false, filters.names(), filters.match)
	if err != nil {
		return nil, err
	}
	out := &ssmshape.DescribeParametersOutput{NextToken: next, Parameters: []ssmshape.ParameterMetadata{}}
	for _, got := range list {
		v := got.Version
		out.Parameters = append(out.Parameters, ssmshape.ParameterMetadata{
			ARN: new(got.Parameter.ARN()), Name: &v.Name, Type: &v.Type, Version: &v.Number, Tier: &v.Tier, DataType: &v.DataType,
			Description: given(v.Description), AllowedPattern: given(v.AllowedPattern), KeyId: given(v.KeyID),
			LastModifiedDate: new(shape.Time{Time: v.ModifiedAt}), LastModifiedUser: &v.ModifiedBy, Policies: []ssmshape.ParameterInlinePolicy{},
		})
	}
	return out, nil
}

// filters are conditions that all must hold; within one, any value will do.
type filters []ssmshape.ParameterStringFilter

// options are those that each key has, the usual one first (ParameterStringFilter in the API reference).
var options = map[string][]string{
	"Name": {"Equals", "BeginsWith", "Contains"}, "Path": {"OneLevel", "Recursive"}, "KeyId": {"Equals", "BeginsWith"},
	"Type": {"Equals", "BeginsWith"}, "Tier": {"Equals"}, "DataType": {"Equals"}, "Label": {"Equals"}, "tag": {"Equals"},
}

// filtersOf checks filters against the keys that an operation takes and fills in the usual options.
func filtersOf(wanted []ssmshape.ParameterStringFilter, keys ...string) (filters, error) {
	seen := map[string]bool{}
	out := filters{}
	for _, f := range wanted {
		kind, _, _ := strings.Cut(*f.Key, ":")
		switch {
		case !slices.Contains(keys, kind):
			return nil, apierr.Client("InvalidFilterKey", "The following filter key is not valid: %s. Valid filter keys include: [%s].", *f.Key, strings.Join(keys, ", "))
		case seen[*f.Key]:
			return nil, apierr.Client("InvalidFilterKey", "The following filter is duplicated in the request: %s. A request can contain only one instance of a specific filter.", *f.Key)
		case len(f.Values) == 0 && kind != "tag":
			return nil, apierr.Client("InvalidFilterValue", "The following filter values are missing : null for filter key %s", *f.Key)
		}
		seen[*f.Key] = true
		if f.Option == nil {
			f.Option = &options[kind][0]
		}
		if !slices.Contains(options[kind], *f.Option) {
			return nil, apierr.Client("InvalidFilterOption", "The following filter option is not valid: %s. Valid options include: [%s].", *f.Option, strings.Join(options[kind], ", "))
		}
		out = append(out, f)
	}
	return out, nil
}

// names bind a pagination token to the filters.
func (f filters) names() (all []string) {
	for _, one := range f {
		all = append(all, *one.Key, *one.Option, strings.Join(one.Values, "\x00"))
	}
	return all
}

func (f filters) match(got ssm.Got) bool {
	return !slices.ContainsFunc(f, func(one ssmshape.ParameterStringFilter) bool { return !matches(one, got) })
}

func matches(f ssmshape.ParameterStringFilter, got ssm.Got) bool {
	v := got.Version
	has := func(text string) bool {
		return slices.ContainsFunc(f.Values, func(value string) bool { return compare(*f.Option, text, value) })
	}
	switch kind, key, _ := strings.Cut(*f.Key, ":"); kind {
	case "Name":
		return has(v.Name) || has(strings.TrimPrefix(v.Name, "/"))
	case "Path":
		return slices.ContainsFunc(f.Values, func(path string) bool {
			return below(v.Name, strings.TrimSuffix(path, "/")+"/", *f.Option == "Recursive")
		})
	case "Type":
		return has(v.Type)
	case "KeyId":
		return has(v.KeyID)
	case "Tier":
		return has(v.Tier)
	case "DataType":
		return has(v.DataType)
	case "Label":
		return slices.ContainsFunc(got.Labels, has)
	default: // tag
		for _, t := range got.Parameter.Tags {
			if t.Key == key && (len(f.Values) == 0 || slices.Contains(f.Values, t.Value)) {
				return true
			}
		}
		return false
	}
}

func compare(option, text, value string) bool {
	switch option {
	case "BeginsWith":
		return strings.HasPrefix(text, value)
	case "Contains":
		return strings.Contains(text, value)
	}
	return text == value
}
