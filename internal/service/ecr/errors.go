package ecr

import (
	"fmt"
	"strings"
)

// RepositoryNotFoundError says that there is no repository of the name.
type RepositoryNotFoundError struct {
	Scope
	Name string
}

// Error has AWS's text.
func (e *RepositoryNotFoundError) Error() string {
	return fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", e.Name, e.Account)
}

// RepositoryExistsError says that the name is taken.
type RepositoryExistsError struct {
	Scope
	Name string
}

// Error has AWS's text.
func (e *RepositoryExistsError) Error() string {
	return fmt.Sprintf("The repository with name '%s' already exists in the registry with id '%s'", e.Name, e.Account)
}

// RepositoryNotEmptyError says that images are in the way of a deletion.
type RepositoryNotEmptyError struct {
	Scope
	Name string
}

// Error has AWS's text.
func (e *RepositoryNotEmptyError) Error() string {
	return fmt.Sprintf("The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images",
		e.Name, e.Account)
}

// ImageNotFoundError says that no image has the tag, the digest, or both.
type ImageNotFoundError struct {
	Scope
	Repository string
	ID         ImageID
}

// Error has AWS's text, which writes null for the part that was not given.
func (e *ImageNotFoundError) Error() string {
	null := func(s string) string {
		if s == "" {
			return "null"
		}
		return s
	}
	return fmt.Sprintf("The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
		null(e.ID.Digest), null(e.ID.Tag), e.Repository, e.Account)
}

// TagImmutableError says that the tag points at another image and must not move.
type TagImmutableError struct {
	Repository, Tag string
}

// Error has AWS's text.
func (e *TagImmutableError) Error() string {
	return fmt.Sprintf("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.",
		e.Tag, e.Repository)
}

// ChildrenMissingError says that an image list names images that the repository
// does not have.
type ChildrenMissingError struct{ Digests []string }

func (e *ChildrenMissingError) Error() string {
	return "no such images: " + strings.Join(e.Digests, ", ")
}
