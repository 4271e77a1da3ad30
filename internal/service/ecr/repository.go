package ecr

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Repository is a named set of images.
type Repository struct {
	Scope
	Name       string     `json:"name"`
	ID         string     `json:"id"` // 16 hexadecimal digits; never used again for another
	CreatedAt  time.Time  `json:"createdAt"`
	Mutability Mutability `json:"mutability"`
	ScanOnPush bool       `json:"scanOnPush"`
	Tags       []tag.Tag  `json:"tags,omitempty"`
}

// Key is the record's store key.
func (r *Repository) Key() string { return r.Scope.Key(r.Name) }

// ARN names the repository.
func (r *Repository) ARN() string { return r.RepositoryARN(r.Name) }

// URI is what the names of the repository's images begin with.
func (r *Room) URI(repo *Repository) string { return r.cfg.RegistryHost + "/" + repo.Name }

// CreateRepository makes an empty repository of the wanted name, mutability,
// scanning and tags, or fails with a *RepositoryExistsError.
func (r *Room) CreateRepository(ctx context.Context, s Scope, want Repository) (*Repository, error) {
	want.Scope, want.ID, want.CreatedAt = s, newRepositoryID(), time.Now().UTC()
	if want.Mutability.Mode == "" {
		want.Mutability.Mode = Mutable
	}
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if _, taken := Repositories.Get(tx, want.Key()); taken {
			return &RepositoryExistsError{Scope: s, Name: want.Name}
		}
		Repositories.Put(tx, &want)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	return &want, nil
}

// Repository returns one repository or a *RepositoryNotFoundError. The record is
// shared: read only.
func (r *Room) Repository(s Scope, name string) (*Repository, error) {
	return repository(r.st.Snapshot(), s, name)
}

func repository(reader store.Reader, s Scope, name string) (*Repository, error) {
	repo, ok := Repositories.Get(reader, s.Key(name))
	if !ok {
		return nil, &RepositoryNotFoundError{Scope: s, Name: name}
	}
	return repo, nil
}

// Repositories returns at most limit repositories in the order of their names,
// from the first after the given one. more tells whether there are others.
func (r *Room) Repositories(s Scope, after string, limit int) (page []*Repository, more bool) {
	for repo := range Repositories.ListAfter(r.st.Snapshot(), s.Prefix(), s.Key(after)) {
		if len(page) == limit {
			return page, true
		}
		page = append(page, repo)
	}
	return page, false
}

// ChangeRepository lets change edit a copy of the repository's record, which is
// then stored. What change returns is returned, and then nothing is stored.
func (r *Room) ChangeRepository(ctx context.Context, s Scope, name string, change func(*Repository) error) (*Repository, error) {
	var changed Repository
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		repo, err := repository(tx, s, name)
		if err != nil {
			return err
		}
		changed = *repo
		changed.Tags = slices.Clone(repo.Tags)
		if err := change(&changed); err != nil {
			return err
		}
		Repositories.Put(tx, &changed)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("change repository: %w", err)
	}
	return &changed, nil
}

func newRepositoryID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}
