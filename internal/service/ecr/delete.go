package ecr

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/store"
)

// droppedRepository says that what a deleted repository held is yet to be
// removed. Nobody can see it any more: images are found by the repository's id.
type droppedRepository struct {
	Repository Repository `json:"repository"`
}

func (d *droppedRepository) Key() string { return d.Repository.Scope.Key(d.Repository.ID) }

// DeleteRepository removes the repository and, with force, its images. Without
// force images are in the way: *RepositoryNotEmptyError.
func (r *Room) DeleteRepository(ctx context.Context, s Scope, name string, force bool) (*Repository, error) {
	var gone *Repository
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		var err error
		if gone, err = repository(tx, s, name); err != nil {
			return err
		}
		if !force {
			for range Images.List(tx, s.Prefix(gone.ID)) {
				return &RepositoryNotEmptyError{Scope: s, Name: name}
			}
			Images.GuardPrefix(tx, s.Prefix(gone.ID)) // nobody pushes meanwhile
		}
		Repositories.Delete(tx, gone.Key())
		dropped.Put(tx, &droppedRepository{*gone})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("delete repository: %w", err)
	}
	if err := r.remove(ctx, gone); err != nil {
		// Gone for everyone all the same; Sweep does the rest.
		r.cfg.Log.Warn("contents of a deleted repository remain", "repository", gone.ARN(), "id", gone.ID, "err", err)
	}
	return gone, nil
}

// Sweep removes what deletions that were cut short have left behind. It is for
// the start of the process.
func (r *Room) Sweep(ctx context.Context) error {
	var errs []error
	for d := range dropped.List(r.st.Snapshot(), "") {
		errs = append(errs, r.remove(ctx, &d.Repository))
	}
	return errors.Join(errs...)
}

// remove removes what a dropped repository held: records, bytes, and last the
// note that there is something to remove.
func (r *Room) remove(ctx context.Context, repo *Repository) error {
	for more := true; more; {
		err := r.st.Update(ctx, func(tx *store.Tx) error {
			more = removeSome(tx, repo)
			return nil
		})
		if err != nil {
			return fmt.Errorf("remove images of %s: %w", repo.ID, err)
		}
	}
	if err := r.cfg.Contents.RemoveRepository(ctx, repo); err != nil {
		return fmt.Errorf("remove contents of %s: %w", repo.ID, err)
	}
	return r.st.Update(ctx, func(tx *store.Tx) error {
		dropped.Delete(tx, (&droppedRepository{*repo}).Key())
		return nil
	})
}

// batch is how many records are removed in one transaction, well under what etcd
// takes.
const batch = 50

// removeSome deletes a batch of images and tags and tells whether there are more.
func removeSome(tx *store.Tx, repo *Repository) (more bool) {
	n := 0
	for i := range Images.List(tx, repo.Prefix(repo.ID)) {
		if n++; n > batch {
			return true
		}
		Images.Delete(tx, i.Key())
	}
	for t := range Tags.List(tx, repo.Prefix(repo.ID)) {
		if n++; n > batch {
			return true
		}
		Tags.Delete(tx, t.Key())
	}
	return false
}
