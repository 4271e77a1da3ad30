package ecs

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/store"
)

// Limits of PutAttributes and DeleteAttributes, and of custom attributes per
// instance (API reference, service-quotas).
const (
	maxAttributesPerCall = 10
	maxCustomAttributes  = 10
	attributesPage       = 100
)

// TargetAttribute is an attribute with the container instance that has it or is
// to have it. Target is an id or an ARN in requests, an ARN in answers.
type TargetAttribute struct {
	Target, Name, Value string
}

// Attribute names have letters, numbers and -_./\ ; values may have @ and : and
// spaces within too (Attribute of the API reference).
var (
	attributeNamePattern  = regexp.MustCompile(`^[A-Za-z0-9_./\\-]{1,128}$`)
	attributeValuePattern = regexp.MustCompile(`^[A-Za-z0-9_./\\@: -]{0,128}$`)
)

// builtIn tells the attributes that AWS and the agent set from a user's own.
func builtIn(name string) bool {
	return strings.HasPrefix(name, "ecs.") || strings.HasPrefix(name, "com.amazonaws.")
}

// PutAttributes sets custom attributes of container instances; what an instance
// has of the same name is replaced.
func (r *Room) PutAttributes(ctx context.Context, s Scope, cluster string, attributes []TargetAttribute) ([]TargetAttribute, error) {
	for _, a := range attributes {
		if err := checkAttribute(a); err != nil {
			return nil, err
		}
	}
	return r.changeAttributes(ctx, s, cluster, attributes, func(i *ContainerInstance, a *TargetAttribute) error {
		put := Attribute{Name: a.Name, Value: a.Value, Custom: true}
		if at := i.attributeIndex(a.Name); at >= 0 {
			i.Attributes[at] = put
			return nil
		}
		i.Attributes = append(i.Attributes, put)
		if i.customAttributes() > maxCustomAttributes {
			return apierr.Client("AttributeLimitExceededException",
				"You can apply up to %d custom attributes for each resource. You can view the attributes of a resource with ListAttributes. You can remove existing attributes on a resource with DeleteAttributes.", maxCustomAttributes)
		}
		return nil
	})
}

// DeleteAttributes takes custom attributes off container instances. One that is
// not there is no error.
func (r *Room) DeleteAttributes(ctx context.Context, s Scope, cluster string, attributes []TargetAttribute) ([]TargetAttribute, error) {
	for _, a := range attributes {
		if !attributeNamePattern.MatchString(a.Name) {
			return nil, errAttributeName(a.Name)
		}
	}
	return r.changeAttributes(ctx, s, cluster, attributes, func(i *ContainerInstance, a *TargetAttribute) error {
		if at := i.attributeIndex(a.Name); at >= 0 {
			a.Value = i.Attributes[at].Value
			i.Attributes = slices.Delete(i.Attributes, at, at+1)
		}
		return nil
	})
}

func errAttributeName(name string) error {
	return ErrInvalidParameter("Invalid attribute name: %s", name)
}

func checkAttribute(a TargetAttribute) error {
	switch {
	case !attributeNamePattern.MatchString(a.Name):
		return errAttributeName(a.Name)
	case !attributeValuePattern.MatchString(a.Value), strings.TrimSpace(a.Value) != a.Value:
		return ErrInvalidParameter("Invalid attribute value: %s", a.Value)
	}
	return nil
}

// changeAttributes applies a change to the instances that the attributes name,
// all or none, and returns the attributes with the ARNs of their instances.
func (r *Room) changeAttributes(ctx context.Context, s Scope, cluster string, attributes []TargetAttribute, change func(*ContainerInstance, *TargetAttribute) error) ([]TargetAttribute, error) {
	switch n := len(attributes); {
	case n == 0:
		return nil, ErrInvalidParameter("Attributes cannot be empty.")
	case n > maxAttributesPerCall:
		return nil, ErrInvalidParameter("Attributes cannot have more than %d elements.", maxAttributesPerCall)
	}
	var out []TargetAttribute
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		out = slices.Clone(attributes)
		c, err := activeCluster(tx, s, cluster)
		if err != nil {
			return err
		}
		for i := range out {
			a := &out[i]
			known, ok, err := instanceByRef(tx, c, a.Target)
			if err != nil {
				return err
			}
			if !ok || known.Status == StatusInactive {
				return apierr.Client("TargetNotFoundException", "The specified target wasn't found. You can view your available container instances with ListContainerInstances. Amazon ECS container instances are cluster-specific and Region-specific.")
			}
			if builtIn(a.Name) {
				return ErrInvalidParameter("The attribute %s is reserved: names that begin with ecs. or com.amazonaws. cannot be changed.", a.Name)
			}
			next := *known
			next.Attributes = slices.Clone(known.Attributes)
			if err := change(&next, a); err != nil {
				return err
			}
			next.Version++
			Instances.Put(tx, &next)
			a.Target = next.ARN()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (i *ContainerInstance) attributeIndex(name string) int {
	return slices.IndexFunc(i.Attributes, func(a Attribute) bool { return a.Name == name })
}

func (i *ContainerInstance) customAttributes() int {
	n := 0
	for _, a := range i.Attributes {
		if a.Custom {
			n++
		}
	}
	return n
}

// ListAttributesRequest filters the attributes of a cluster's instances.
type ListAttributesRequest struct {
	Cluster    string
	Name       string
	Value      string // only together with a name
	MaxResults *int32 // 1 to 100, default 100
	NextToken  string
}

// ListAttributes lists attributes by instance and name.
func (r *Room) ListAttributes(s Scope, req ListAttributesRequest) (list []TargetAttribute, next string, err error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, s, req.Cluster)
	if err != nil {
		return nil, "", err
	}
	if req.Value != "" && req.Name == "" {
		return nil, "", ErrInvalidParameter("An attribute name must be specified with an attribute value.")
	}
	size, err := pageSize(req.MaxResults, attributesPage, attributesPage)
	if err != nil {
		return nil, "", err
	}
	within := page.Scope("ListAttributes", c.Key(), req.Name, req.Value)
	after, err := pageStart(within, req.NextToken)
	if err != nil {
		return nil, "", err
	}
	key, name, _ := strings.Cut(after, "|")
	for i := range Instances.List(snap, s.Prefix(c.Name)) {
		if i.Key() < key || i.Status == StatusInactive {
			continue
		}
		for _, a := range i.sortedAttributes() {
			if i.Key() == key && a.Name <= name || req.Name != "" && a.Name != req.Name || req.Value != "" && a.Value != req.Value {
				continue
			}
			if len(list) == size {
				return list, page.Encode(within, next), nil
			}
			list = append(list, TargetAttribute{Target: i.ARN(), Name: a.Name, Value: a.Value})
			next = i.Key() + "|" + a.Name
		}
	}
	return list, "", nil
}

func (i *ContainerInstance) sortedAttributes() []Attribute {
	return slices.SortedFunc(slices.Values(i.Attributes), func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
}
