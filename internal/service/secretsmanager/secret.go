package secretsmanager

import (
	"slices"
	"time"

	"github.com/slipway/slipway/internal/tag"
)

// The stages that Secrets Manager itself attaches.
const (
	StageCurrent  = "AWSCURRENT"
	StagePrevious = "AWSPREVIOUS"
)

// Secret is a named secret without its values.
type Secret struct {
	Scope
	Name        string    `json:"name"`
	Suffix      string    `json:"suffix"` // six letters and digits that end the ARN; not used again for the name
	Description string    `json:"description,omitempty"`
	KMSKey      string    `json:"kmsKey,omitempty"` // as the user named it; shown, not used
	Type        string    `json:"type,omitempty"`
	Tags        []tag.Tag `json:"tags,omitempty"`
	Policy      string    `json:"policy,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
	ChangedAt   time.Time `json:"changedAt"`
	AccessedAt  time.Time `json:"accessedAt,omitzero"` // the day on which a value was last read
	DeletedAt   time.Time `json:"deletedAt,omitzero"`  // when the deletion was asked for; zero: it was not
	PurgeAt     time.Time `json:"purgeAt,omitzero"`    // when the recovery window ends
	Versions    []Version `json:"versions,omitempty"`  // in the order in which they were made
}

// Version is one value's identity and the stages that point at it.
type Version struct {
	ID        string    `json:"id"`
	Stages    []string  `json:"stages,omitempty"` // none: deprecated
	CreatedAt time.Time `json:"createdAt"`
}

// Key is the record's store key.
func (s *Secret) Key() string { return s.Scope.Key(s.Name) }

// ARN names the secret.
func (s *Secret) ARN() string { return s.Scope.ARN(s.Name + "-" + s.Suffix) }

// Deleted tells whether the deletion was asked for.
func (s *Secret) Deleted() bool { return !s.DeletedAt.IsZero() }

// version finds a version by its id.
func (s *Secret) version(id string) *Version {
	if i := slices.IndexFunc(s.Versions, func(v Version) bool { return v.ID == id }); i >= 0 {
		return &s.Versions[i]
	}
	return nil
}

// Staged finds the version that a stage is attached to.
func (s *Secret) Staged(stage string) *Version {
	if i := slices.IndexFunc(s.Versions, func(v Version) bool { return slices.Contains(v.Stages, stage) }); i >= 0 {
		return &s.Versions[i]
	}
	return nil
}

// attach moves a stage to a version. The version that loses AWSCURRENT becomes AWSPREVIOUS.
func (s *Secret) attach(stage, id string) {
	before := s.Staged(stage)
	if before != nil && before.ID == id {
		return
	}
	s.detach(stage)
	to := s.version(id)
	to.Stages = append(to.Stages, stage)
	if stage == StageCurrent && before != nil {
		s.detach(StagePrevious)
		before.Stages = append(before.Stages, StagePrevious)
	}
}

func (s *Secret) detach(stage string) {
	for i := range s.Versions {
		v := &s.Versions[i]
		v.Stages = slices.DeleteFunc(v.Stages, func(st string) bool { return st == stage })
	}
}

// clone is a copy whose slices can be changed.
func (s *Secret) clone() *Secret {
	c := *s
	c.Tags = slices.Clone(s.Tags)
	c.Versions = slices.Clone(s.Versions)
	for i := range c.Versions {
		c.Versions[i].Stages = slices.Clone(c.Versions[i].Stages)
	}
	return &c
}

// maxDeprecated is how many versions without stages are kept: AWS removes them when there are more than 100
// (Secrets Manager User Guide, "Secret versions").
const maxDeprecated = 100

// drop takes the oldest deprecated versions away that are too many, and returns their ids.
func (s *Secret) drop() (ids []string) {
	deprecated := 0
	for i := range s.Versions {
		if len(s.Versions[i].Stages) == 0 {
			deprecated++
		}
	}
	s.Versions = slices.DeleteFunc(s.Versions, func(v Version) bool {
		if len(v.Stages) > 0 || deprecated <= maxDeprecated {
			return false
		}
		deprecated--
		ids = append(ids, v.ID)
		return true
	})
	return ids
}
