package settings

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway/slipway/internal/wire/sigv4"
)

// batchSize is how many parameters one GetParameters takes.
const batchSize = 10

// batch is one GetParameters.
type batch struct {
	region string
	names  []string
	wanted [][]int // for each name, whose value it is
}

type batches struct {
	list []batch
	at   map[string][2]int // by region and name: batch, name in it
	open map[string]int    // by region: the batch that is being filled
}

// add wants a parameter as value i.
func (b *batches) add(region, name string, i int) {
	if b.at == nil {
		b.at, b.open = map[string][2]int{}, map[string]int{}
	}
	key := region + " " + name
	if at, ok := b.at[key]; ok {
		b.list[at[0]].wanted[at[1]] = append(b.list[at[0]].wanted[at[1]], i)
		return
	}
	n, ok := b.open[region]
	if !ok || len(b.list[n].names) == batchSize {
		n = len(b.list)
		b.open[region] = n
		b.list = append(b.list, batch{region: region})
	}
	to := &b.list[n]
	b.at[key] = [2]int{n, len(to.names)}
	to.names, to.wanted = append(to.names, name), append(to.wanted, []int{i})
}

// parameter is one of GetParameters' answer.
type parameter struct{ Name, ARN, Selector, Value string }

// answers tells whether the parameter is what was asked for by this name: a
// name, or an ARN, either with a version or label behind it. Asked by ARN, AWS
// answers with the name or, for a parameter of another account, with the ARN.
func (p parameter) answers(asked string) bool {
	for _, known := range []string{p.Name, p.ARN, "parameter" + p.Name, "parameter/" + p.Name} {
		if known == "" {
			continue
		}
		_, resource, isARN := cutARN(asked)
		if asked == known || asked == known+p.Selector || isARN && (resource == known || resource == known+p.Selector) {
			return true
		}
	}
	return false
}

// cutARN splits off an ARN's resource.
func cutARN(name string) (before, resource string, ok bool) {
	part := strings.SplitN(name, ":", 6)
	if len(part) < 6 || part[0] != "arn" {
		return "", "", false
	}
	return strings.Join(part[:5], ":"), part[5], true
}

// parameters gets one batch.
func (l *Lookup) parameters(ctx context.Context, creds sigv4.Credentials, b batch, values []string) error {
	in := struct {
		Names          []string
		WithDecryption bool
	}{b.names, true}
	var out struct {
		Parameters        []parameter
		InvalidParameters []string
	}
	tries, err := l.retry(ctx, func(ctx context.Context) error {
		return l.json(ctx, "ssm", l.cfg.Endpoints.SSM, "AmazonSSM.GetParameters", b.region, creds, in, &out)
	})
	if err == nil {
		err = b.fill(values, out.Parameters, out.InvalidParameters)
	}
	return because(ctx, noParameters, tries, err)
}

// fill puts what was answered where it is wanted.
func (b batch) fill(values []string, answer []parameter, missing []string) error {
	for n, name := range b.names {
		found := false
		for _, p := range answer {
			if p.answers(name) {
				found = true
				for _, i := range b.wanted[n] {
					values[i] = p.Value
				}
				break
			}
		}
		if !found && len(missing) == 0 {
			missing = []string{name}
		}
	}
	if len(missing) > 0 {
		return errors.New("invalid ssm parameters: " + strings.Join(missing, ","))
	}
	return nil
}
