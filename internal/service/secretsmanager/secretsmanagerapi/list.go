package secretsmanagerapi

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/secretsmanager"
	shapes "github.com/slipway/slipway/internal/service/secretsmanager/secretsmanagershape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

// listSize is how many results a page has unless the client says otherwise.
const listSize = 100

func size(maxResults *int32, usual int) int {
	if maxResults == nil {
		return usual
	}
	return int(*maxResults)
}

func compare(x, y string) int { return strings.Compare(x, y) }

func errToken() error {
	return apierr.Client("InvalidNextTokenException", "The NextToken value is invalid.")
}

// cut returns a page of secrets in the order of their names.
func cut(call *wire.Call, all []*secretsmanager.Secret, token *string, maxResults *int32, usual int) ([]*secretsmanager.Secret, *string, error) {
	scope := page.Scope(call.Operation, call.Account, call.Region)
	list, next, err := page.Cut(all, func(s *secretsmanager.Secret) string { return s.Name }, scope, deref(token), size(maxResults, usual))
	if err != nil {
		return nil, nil, errToken()
	}
	return list, given(next), nil
}

func (a *api) listSecrets(_ context.Context, call *wire.Call, in *shapes.ListSecretsInput) (*shapes.ListSecretsOutput, error) {
	match, err := filter(in.Filters)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(a.room.All(scope(call)), func(s *secretsmanager.Secret) bool {
		return s.Deleted() && !deref(in.IncludePlannedDeletion) || !match(s)
	})
	by := sortKey(deref(in.SortBy))
	slices.SortFunc(all, func(x, y *secretsmanager.Secret) int { return compare(by(x), by(y)) })
	order := cmp.Or(deref(in.SortOrder), shapes.SortOrderTypeDesc)
	if in.SortBy == nil && in.SortOrder == nil {
		order = shapes.SortOrderTypeAsc // by name: not promised by AWS, but steady
	}
	list, next, err := cutSorted(call, all, by, order, in)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListSecretsOutput{NextToken: next, SecretList: []shapes.SecretListEntry{}}
	for _, s := range list {
		out.SecretList = append(out.SecretList, shapes.SecretListEntry{
			ARN: new(s.ARN()), Name: &s.Name, Description: given(s.Description), KmsKeyId: given(s.KMSKey), Type: given(s.Type),
			CreatedDate: when(s.CreatedAt), LastChangedDate: when(s.ChangedAt), LastAccessedDate: when(s.AccessedAt),
			DeletedDate: when(s.PurgeAt), Tags: shown(s.Tags), SecretVersionsToStages: stages(s),
		})
	}
	return out, nil
}

// cutSorted returns a page in either direction: a token holds the key of the last item before the page.
func cutSorted(call *wire.Call, all []*secretsmanager.Secret, by func(*secretsmanager.Secret) string, order string, in *shapes.ListSecretsInput) ([]*secretsmanager.Secret, *string, error) {
	scope := page.Scope(call.Operation, call.Account, call.Region, deref(in.SortBy), order)
	after, err := page.Decode(scope, deref(in.NextToken))
	if err != nil {
		return nil, nil, errToken()
	}
	later := func(x, y string) bool { return x > y }
	if order == shapes.SortOrderTypeDesc {
		slices.Reverse(all)
		later = func(x, y string) bool { return x < y }
	}
	if after != "" {
		all = slices.DeleteFunc(all, func(s *secretsmanager.Secret) bool { return !later(by(s), after) })
	}
	n := size(in.MaxResults, listSize)
	if len(all) <= n {
		return all, nil, nil
	}
	return all[:n], new(page.Encode(scope, by(all[n-1]))), nil
}

// sortKey is what secrets are sorted by, unique because the name ends it.
func sortKey(by string) func(*secretsmanager.Secret) string {
	dated := func(at func(*secretsmanager.Secret) time.Time) func(*secretsmanager.Secret) string {
		return func(s *secretsmanager.Secret) string {
			return fmt.Sprintf("%020d/%s", max(at(s).UnixMilli(), 0), s.Name)
		}
	}
	switch by {
	case shapes.SortByTypeCreatedDate:
		return dated(func(s *secretsmanager.Secret) time.Time { return s.CreatedAt })
	case shapes.SortByTypeLastChangedDate:
		return dated(func(s *secretsmanager.Secret) time.Time { return s.ChangedAt })
	case shapes.SortByTypeLastAccessedDate:
		return dated(func(s *secretsmanager.Secret) time.Time { return s.AccessedAt })
	}
	return func(s *secretsmanager.Secret) string { return s.Name }
}

// filter says whether a secret fits all filters. Within one, any value will do; "!" in front of a value excludes
// (Secrets Manager User Guide, "Find secrets"). Descriptions and "all" compare words without regard to case, the
// others prefixes with regard to it.
func filter(filters []shapes.Filter) (func(*secretsmanager.Secret) bool, error) {
	for _, f := range filters {
		if f.Key == nil || len(f.Values) == 0 {
			return nil, invalidParameter("Each filter needs a key and at least one value.")
		}
	}
	return func(s *secretsmanager.Secret) bool {
		return !slices.ContainsFunc(filters, func(f shapes.Filter) bool { return !fits(s, *f.Key, f.Values) })
	}, nil
}

func fits(s *secretsmanager.Secret, key string, values []string) bool {
	included, wanted := false, false
	for _, value := range values {
		without, excluded := strings.CutPrefix(value, "!")
		switch has := matches(s, key, without); {
		case excluded && has:
			return false
		case !excluded:
			wanted = true
			included = included || has
		}
	}
	return included || !wanted
}

func matches(s *secretsmanager.Secret, key, value string) bool {
	tagged := func(of func(tag.Tag) string) bool {
		return slices.ContainsFunc(s.Tags, func(t tag.Tag) bool { return strings.HasPrefix(of(t), value) })
	}
	switch key {
	case shapes.FilterNameStringTypeName:
		return strings.HasPrefix(s.Name, value)
	case shapes.FilterNameStringTypeDescription:
		return hasWord(s.Description, value)
	case shapes.FilterNameStringTypeTagKey:
		return tagged(func(t tag.Tag) string { return t.Key })
	case shapes.FilterNameStringTypeTagValue:
		return tagged(func(t tag.Tag) string { return t.Value })
	case shapes.FilterNameStringTypeAll:
		text := []string{s.Name, s.Description}
		for _, t := range s.Tags {
			text = append(text, t.Key, t.Value)
		}
		return hasWord(strings.Join(text, " "), value)
	case shapes.FilterNameStringTypePrimaryRegion:
		return s.Region == value
	}
	return false // no service owns secrets here
}

// hasWord tells whether a word of the text begins with the value, whatever the case.
func hasWord(text, value string) bool {
	text, value = strings.ToLower(text), strings.ToLower(value)
	for i := 0; value != ""; {
		at := strings.Index(text[i:], value)
		if at < 0 {
			return false
		}
		i += at
		if i == 0 || strings.ContainsRune(" /_-.+=@", rune(text[i-1])) {
			return true
		}
		i++
	}
	return false
}
