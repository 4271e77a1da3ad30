package ssm

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/store"
)

// maxLabels is how many labels a version may have.
const maxLabels = 10

var validLabel = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]{0,99}$`)

// goodLabel tells whether Parameter Store takes a label (User Guide, "Working with parameter labels").
func goodLabel(label string) bool {
	lower := strings.ToLower(label)
	return validLabel.MatchString(label) && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}

// Label puts labels on a version, the newest if number is 0, taking them from where they were. It returns the version
// and the labels that no version may have.
func (r *Room) Label(ctx context.Context, s Scope, ref string, number int64, labels []string) (version int64, invalid []string, err error) {
	err = r.change(ctx, s, ref, func(tx *store.Tx, p *Parameter) error {
		p, invalid = p.clone(), []string{}
		if version = number; version == 0 {
			version = p.Latest
		}
		if version < p.Oldest || version > p.Latest {
			return refuse("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", version, p.Name)
		}
		for _, label := range labels {
			if !goodLabel(label) {
				invalid = append(invalid, label)
				continue
			}
			p.Labels[label] = version
		}
		if len(p.labelsOf(version)) > maxLabels {
			return refuse("ParameterVersionLabelLimitExceeded", "A parameter version can have a maximum of ten labels.")
		}
		Parameters.Put(tx, p)
		return nil
	})
	return version, invalid, err
}

// Unlabel takes labels off a version. It returns those that were on it and those that were not.
func (r *Room) Unlabel(ctx context.Context, s Scope, ref string, number int64, labels []string) (removed, invalid []string, err error) {
	err = r.change(ctx, s, ref, func(tx *store.Tx, p *Parameter) error {
		p, removed, invalid = p.clone(), []string{}, []string{}
		if number < p.Oldest || number > p.Latest {
			return refuse("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", number, p.Name)
		}
		on := p.labelsOf(number)
		for _, label := range labels {
			if !slices.Contains(on, label) {
				invalid = append(invalid, label)
				continue
			}
			delete(p.Labels, label)
			removed = append(removed, label)
		}
		Parameters.Put(tx, p)
		return nil
	})
	return removed, invalid, err
}
