package ecs

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// TagResource adds tags to a resource; those with keys that it has get new
// values. There are none for keys of AWS's own.
func (r *Room) TagResource(ctx context.Context, s Scope, resource string, tags []tag.Tag) error {
	return r.changeTags(ctx, s, resource, func(has []tag.Tag) ([]tag.Tag, error) {
		if err := tag.Check(has, tags); err != nil {
			return nil, ErrInvalidParameter("%s", err)
		}
		return tag.Merge(has, tags), nil
	})
}

// UntagResource takes tags off a resource. Keys that it does not have are no
// error.
func (r *Room) UntagResource(ctx context.Context, s Scope, resource string, keys []string) error {
	if slices.ContainsFunc(keys, tag.Reserved) {
		return ErrInvalidParameter("aws: prefixed tag key names are not allowed for external use.")
	}
	return r.changeTags(ctx, s, resource, func(has []tag.Tag) ([]tag.Tag, error) {
		return tag.Remove(has, keys), nil
	})
}

// ListTags returns the tags of a resource.
func (r *Room) ListTags(s Scope, resource string) ([]tag.Tag, error) {
	t, err := s.tagged(r.st.Snapshot(), resource)
	if err != nil {
		return nil, err
	}
	return t.tags, nil
}

func (r *Room) changeTags(ctx context.Context, s Scope, resource string, change func([]tag.Tag) ([]tag.Tag, error)) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		t, err := s.tagged(tx, resource)
		if err != nil {
			return err
		}
		if t.over != "" {
			return ErrInvalidParameter("%s", t.over)
		}
		tags, err := change(t.tags)
		if err != nil {
			return err
		}
		t.put(tx, tags)
		return nil
	})
}

// taggable is a resource as far as tags go.
type taggable struct {
	tags []tag.Tag
	put  func(tx *store.Tx, tags []tag.Tag)
	over string // why its tags can be read and no longer changed
}

// tagged finds the resource that an ARN names. Tagging needs the ARNs that have
// the cluster's name in them (ecs-using-tags).
func (s Scope) tagged(r store.Reader, resource string) (taggable, error) {
	a, err := arn.Parse(resource)
	if err != nil || a.Service != "ecs" || a.Region != s.Region || a.Account != s.Account {
		return taggable{}, ErrInvalidParameter("The ARN %s is not valid.", resource)
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	parts := strings.Split(rest, "/")
	switch {
	case rest == "" || slices.Contains(parts, ""):
		return taggable{}, ErrInvalidParameter("The ARN %s is not valid.", resource)
	case kind == "cluster" && len(parts) == 1:
		return s.taggedCluster(r, parts[0])
	case kind == "task-definition" && len(parts) == 1:
		return s.taggedDefinition(r, parts[0])
	case kind == "capacity-provider" && len(parts) == 1:
		return s.taggedProvider(parts[0])
	case kind != "service" && kind != "task" && kind != "container-instance":
		return taggable{}, ErrInvalidParameter("The ARN %s is not valid.", resource)
	case len(parts) == 1:
		return taggable{}, ErrInvalidParameter("Long arn format must be used for tagging operations")
	case len(parts) > 2:
		return taggable{}, ErrInvalidParameter("The ARN %s is not valid.", resource)
	}
	if _, ok := Clusters.Get(r, s.Key(parts[0])); !ok {
		return taggable{}, ErrClusterNotFound()
	}
	switch kind {
	case "service":
		return s.taggedService(r, parts[0], parts[1])
	case "task":
		return s.taggedTask(r, parts[0], parts[1])
	}
	return s.taggedInstance(r, parts[0], parts[1])
}

func errNoResource(kind string) error {
	return apierr.Client("ResourceNotFoundException", "The specified %s was not found. Specify a valid %s and try again.", kind, kind)
}

// inactiveText is AWS's text for a resource that is no longer ACTIVE.
func inactiveText(kind string) string {
	return "The specified " + kind + " is inactive. Specify an active " + kind + " and try again."
}

func (s Scope) taggedCluster(r store.Reader, name string) (taggable, error) {
	c, ok := Clusters.Get(r, s.Key(name))
	switch {
	case !ok:
		return taggable{}, ErrClusterNotFound()
	case c.Status == StatusInactive:
		return taggable{}, ErrInvalidParameter("%s", inactiveText("cluster"))
	}
	return taggable{tags: c.Tags, put: func(tx *store.Tx, tags []tag.Tag) {
		next := *c
		next.Tags = tags
		Clusters.Put(tx, &next)
	}}, nil
}

func (s Scope) taggedDefinition(r store.Reader, name string) (taggable, error) {
	p, ok := s.ParseTaskDefinitionRef(name)
	if !ok || p.Revision == 0 {
		return taggable{}, ErrInvalidParameter("The ARN %s is not valid.", s.ARN("task-definition/"+name))
	}
	d, ok := TaskDefinitions.Get(r, s.Key(p.Family, revisionKey(p.Revision)))
	if !ok {
		return taggable{}, errNoResource("task definition")
	}
	return taggable{tags: d.Tags, put: func(tx *store.Tx, tags []tag.Tag) {
		next := *d
		next.Tags = tags
		TaskDefinitions.Put(tx, &next)
	}}, nil
}

// taggedProvider: the capacity providers that every account has carry no tags of
// an account's own.
func (s Scope) taggedProvider(name string) (taggable, error) {
	if !slices.Contains(fargateProviders, name) {
		return taggable{}, errNoResource("capacity provider")
	}
	return taggable{over: "The specified capacity provider " + name + " is managed by AWS and cannot be tagged."}, nil
}

func (s Scope) taggedService(r store.Reader, cluster, name string) (taggable, error) {
	v, ok := Services.Get(r, s.Key(cluster, name))
	if !ok {
		return taggable{}, errNoResource("service")
	}
	t := taggable{tags: v.Tags, put: func(tx *store.Tx, tags []tag.Tag) {
		next := *v
		next.Tags = tags
		Services.Put(tx, &next)
	}}
	if v.Status == StatusInactive {
		t.over = inactiveText("service")
	}
	return t, nil
}

func (s Scope) taggedTask(r store.Reader, cluster, id string) (taggable, error) {
	v, ok := Tasks.Get(r, s.Key(cluster, id))
	if !ok {
		return taggable{}, errNoResource("task")
	}
	t := taggable{tags: v.Tags, put: func(tx *store.Tx, tags []tag.Tag) {
		next := v.clone()
		next.Tags = tags
		Tasks.Put(tx, next)
	}}
	if v.Ended() {
		t.over = "The specified task is stopped. Specify a running task and try again."
	}
	return t, nil
}

func (s Scope) taggedInstance(r store.Reader, cluster, id string) (taggable, error) {
	i, ok := Instances.Get(r, s.Key(cluster, id))
	if !ok {
		return taggable{}, errNoResource("container instance")
	}
	t := taggable{tags: i.Tags, put: func(tx *store.Tx, tags []tag.Tag) {
		next := *i
		next.Tags = tags
		Instances.Put(tx, &next)
	}}
	if i.Status == StatusInactive {
		t.over = inactiveText("container instance")
	}
	return t, nil
}
