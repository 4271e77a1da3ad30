package ecs

import (
	"iter"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

const taskDefinitionsPage = 100

// ListTaskDefinitionsRequest filters revisions. Without a status the ACTIVE ones
// are listed.
type ListTaskDefinitionsRequest struct {
	Family     string // the whole name, though AWS calls it a prefix
	Status     string
	Descending bool
	MaxResults *int32 // 1 to 100, default 100
	NextToken  string
}

// ListTaskDefinitions lists ARNs by family and revision.
func (r *Room) ListTaskDefinitions(s Scope, req ListTaskDefinitionsRequest) (arns []string, next string, err error) {
	if req.Status == "" {
		req.Status = StatusActive
	}
	size, err := pageSize(req.MaxResults, taskDefinitionsPage, taskDefinitionsPage)
	if err != nil {
		return nil, "", err
	}
	order := "ASC"
	if req.Descending {
		order = "DESC"
	}
	within := page.Scope("ListTaskDefinitions", s.Account, s.Region, req.Family, req.Status, order)
	after, err := pageStart(within, req.NextToken)
	if err != nil {
		return nil, "", err
	}
	var last string
	for d := range s.definitionsInOrder(r.st.Snapshot(), req.Family, after, req.Descending) {
		if d.Status != req.Status {
			continue
		}
		if len(arns) == size {
			return arns, page.Encode(within, last), nil
		}
		arns, last = append(arns, d.ARN()), d.place()
	}
	return arns, "", nil
}

// place is where a revision stands in a list: by name of the family, then by
// number. Store keys do not sort families that way.
func (d *TaskDefinition) place() string { return d.Family + placeMark + revisionKey(d.Revision) }

const placeMark = " " // no family has it in its name, and it sorts before all that they have

// definitionsInOrder walks the revisions beyond a place, of one family or of
// all, forwards or backwards.
func (s Scope) definitionsInOrder(r store.Reader, family, after string, descending bool) iter.Seq[*TaskDefinition] {
	beyond := func(d *TaskDefinition) bool {
		switch {
		case after == "":
			return true
		case descending:
			return d.place() < after
		}
		return d.place() > after
	}
	return func(yield func(*TaskDefinition) bool) {
		for _, name := range s.familyNames(r, family, after, descending) {
			revisions := slices.Collect(TaskDefinitions.List(r, s.Prefix(name)))
			if descending {
				slices.Reverse(revisions)
			}
			for _, d := range revisions {
				if beyond(d) && !yield(d) {
					return
				}
			}
		}
	}
}

// familyNames are the families from the one that a place is in.
func (s Scope) familyNames(r store.Reader, only, after string, descending bool) []string {
	if only != "" {
		return []string{only}
	}
	from, _, _ := strings.Cut(after, placeMark)
	var names []string
	for f := range Families.List(r, s.Prefix()) {
		if after == "" || f.Name == from || (f.Name < from) == descending {
			names = append(names, f.Name)
		}
	}
	if descending {
		slices.Reverse(names)
	}
	return names
}

// ListFamiliesRequest filters families: those with a prefix, and those that have
// an ACTIVE revision (ACTIVE), none (INACTIVE), or either (ALL, the default).
type ListFamiliesRequest struct {
	Prefix     string
	Status     string
	MaxResults *int32 // 1 to 100, default 100
	NextToken  string
}

// ListFamilies lists the names of families.
func (r *Room) ListFamilies(s Scope, req ListFamiliesRequest) (names []string, next string, err error) {
	size, err := pageSize(req.MaxResults, taskDefinitionsPage, taskDefinitionsPage)
	if err != nil {
		return nil, "", err
	}
	within := page.Scope("ListTaskDefinitionFamilies", s.Account, s.Region, req.Prefix, req.Status)
	after, err := pageStart(within, req.NextToken)
	if err != nil {
		return nil, "", err
	}
	snap := r.st.Snapshot()
	var last string
	for f := range Families.ListAfter(snap, s.Prefix()+req.Prefix, after) {
		if !strings.HasPrefix(f.Name, req.Prefix) || !familyHas(snap, f, req.Status) {
			continue
		}
		if len(names) == size {
			return names, page.Encode(within, last), nil
		}
		names, last = append(names, f.Name), f.Key()
	}
	return names, "", nil
}

func familyHas(r store.Reader, f *Family, status string) bool {
	active, some := false, false
	for d := range TaskDefinitions.List(r, f.Scope.Prefix(f.Name)) {
		some = true
		if d.Status == StatusActive {
			active = true
			break
		}
	}
	switch status {
	case ecsshape.TaskDefinitionFamilyStatusActive:
		return active
	case ecsshape.TaskDefinitionFamilyStatusInactive:
		return some && !active
	}
	return some
}
