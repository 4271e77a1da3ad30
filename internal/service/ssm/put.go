package ssm

import (
	"context"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Limits of Parameter Store (AWS General Reference, "Systems Manager endpoints and quotas").
const (
	maxVersions      = 100
	maxStandardValue = 4 << 10 // bytes
	maxAdvancedValue = 8 << 10
)

// Put makes a parameter, or with overwrite a new version of it. What want leaves empty of type, description, pattern
// and key is taken from the version before.
func (r *Room) Put(ctx context.Context, want Version, overwrite bool, tags []tag.Tag) (*Version, error) {
	if err := checkName(want.Name); err != nil {
		return nil, err
	}
	var made *Version
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		v := want
		p, exists := Parameters.Get(tx, want.Scope.Key(want.Name))
		switch {
		case !exists:
			p = &Parameter{Scope: want.Scope, Name: want.Name, Oldest: 1}
		case !overwrite:
			return refuse("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		}
		p = p.clone()
		if err := v.inherit(tx, p); err != nil {
			return err
		}
		if err := v.check(); err != nil {
			return err
		}
		p.Latest++
		p.Tags = tag.Merge(p.Tags, tags)
		v.Number, v.ModifiedAt = p.Latest, r.cfg.Now().UTC()
		if v.Type == SecureString {
			v.Sealed, v.Value = r.cfg.Box.Seal([]byte(v.Value), v.Key()), ""
		}
		if err := p.trim(tx); err != nil {
			return err
		}
		versions.Put(tx, &v)
		Parameters.Put(tx, p)
		made = &v
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("put parameter: %w", err)
	}
	return made, nil
}

// inherit fills in what the version before says and this one leaves open.
func (v *Version) inherit(reader store.Reader, p *Parameter) error {
	before, _ := versions.Get(reader, versionKey(p.Scope, p.Name, p.Latest))
	if before == nil {
		before = &Version{DataType: "text", Tier: Standard}
		if v.Type == "" {
			return refuse("ValidationException", "A parameter type is required when you create a parameter.")
		}
	} else if v.Type != "" && v.Type != before.Type {
		return refuse("HierarchyTypeMismatchException", "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.")
	}
	for _, s := range []struct{ to, from *string }{
		{&v.Type, &before.Type},
		{&v.Description, &before.Description},
		{&v.AllowedPattern, &before.AllowedPattern},
		{&v.KeyID, &before.KeyID},
		{&v.DataType, &before.DataType},
		{&v.Tier, &before.Tier},
	} {
		if *s.to == "" {
			*s.to = *s.from
		}
	}
	if v.Type == SecureString && v.KeyID == "" {
		v.KeyID = "alias/aws/ssm"
	}
	if before.Tier == Advanced && v.Tier == Standard {
		return refuse("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	}
	return nil
}

// check holds the value against the tier and the pattern, and settles an open tier.
func (v *Version) check() error {
	switch {
	case v.Value == "":
		return refuse("ValidationException", "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case v.DataType != "text":
		return refuse("ValidationException", "The following data type is not supported: %s (Data type names are all lowercase.)", v.DataType)
	}
	if v.Tier == IntelligentTiering {
		v.Tier = Standard
		if len(v.Value) > maxStandardValue {
			v.Tier = Advanced
		}
	}
	switch {
	case v.Tier == Standard && len(v.Value) > maxStandardValue:
		return refuse("ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	case len(v.Value) > maxAdvancedValue:
		return refuse("ValidationException", "Advanced tier parameters support a maximum parameter value of 8192 characters.")
	case v.AllowedPattern == "":
		return nil
	}
	pattern, err := regexp.Compile("^(?:" + v.AllowedPattern + ")$")
	if err != nil || !utf8.ValidString(v.AllowedPattern) {
		return refuse("InvalidAllowedPatternException", "The following regular expression is not valid: %s", v.AllowedPattern)
	}
	if !pattern.MatchString(v.Value) {
		return refuse("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", v.AllowedPattern)
	}
	return nil
}

// trim drops the oldest version when there are too many, but not one that has a label.
func (p *Parameter) trim(tx *store.Tx) error {
	if p.Latest-p.Oldest < maxVersions {
		return nil
	}
	if len(p.labelsOf(p.Oldest)) > 0 {
		return refuse("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.", p.Name, p.Oldest)
	}
	versions.Delete(tx, versionKey(p.Scope, p.Name, p.Oldest))
	p.Oldest++
	return nil
}

// Delete deletes a parameter with all versions.
func (r *Room) Delete(ctx context.Context, s Scope, ref string) error {
	return r.change(ctx, s, ref, func(tx *store.Tx, p *Parameter) error {
		for v := range versions.List(tx, s.Prefix(p.Name)) {
			versions.Delete(tx, v.Key())
		}
		Parameters.Delete(tx, p.Key())
		return nil
	})
}

// ChangeTags lets change make new tags of a parameter's tags.
func (r *Room) ChangeTags(ctx context.Context, s Scope, ref string, change func([]tag.Tag) ([]tag.Tag, error)) error {
	return r.change(ctx, s, ref, func(tx *store.Tx, p *Parameter) (err error) {
		p = p.clone()
		if p.Tags, err = change(p.Tags); err != nil {
			return err
		}
		Parameters.Put(tx, p)
		return nil
	})
}

func (r *Room) change(ctx context.Context, s Scope, ref string, change func(*store.Tx, *Parameter) error) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		p, selector, err := lookup(tx, s, ref)
		if err != nil || selector != "" {
			return errNotFound
		}
		return change(tx, p)
	})
}
