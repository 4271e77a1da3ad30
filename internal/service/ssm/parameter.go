package ssm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/tag"
)

// The types and the tiers of parameters.
const (
	SecureString = "SecureString"

	Standard           = "Standard"
	Advanced           = "Advanced"
	IntelligentTiering = "Intelligent-Tiering"
)

// Parameter is a parameter without its values.
type Parameter struct {
	Scope
	Name   string           `json:"name"`
	Latest int64            `json:"latest"` // the number of the newest version
	Oldest int64            `json:"oldest"` // the number of the oldest version that is kept
	Labels map[string]int64 `json:"labels,omitempty"`
	Tags   []tag.Tag        `json:"tags,omitempty"`
}

// Key is the record's store key.
func (p *Parameter) Key() string { return p.Scope.Key(p.Name) }

// ARN names the parameter.
func (p *Parameter) ARN() string { return p.Scope.ARN(p.Name) }

// labelsOf are the labels of a version, in order.
func (p *Parameter) labelsOf(version int64) []string {
	labels := []string{}
	for label, of := range p.Labels {
		if of == version {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}

func (p *Parameter) clone() *Parameter {
	c := *p
	c.Labels = maps.Clone(p.Labels)
	if c.Labels == nil {
		c.Labels = map[string]int64{}
	}
	c.Tags = slices.Clone(p.Tags)
	return &c
}

// Version is one value of a parameter, with all that was said of it.
type Version struct {
	Scope
	Name           string    `json:"name"`
	Number         int64     `json:"number"`
	Type           string    `json:"type"`
	Value          string    `json:"value,omitempty"`  // unless the type is SecureString
	Sealed         []byte    `json:"sealed,omitempty"` // if it is
	KeyID          string    `json:"keyId,omitempty"`
	Description    string    `json:"description,omitempty"`
	AllowedPattern string    `json:"allowedPattern,omitempty"`
	DataType       string    `json:"dataType"`
	Tier           string    `json:"tier"`
	ModifiedAt     time.Time `json:"modifiedAt"`
	ModifiedBy     string    `json:"modifiedBy"` // ARN
}

// Key is the record's store key.
func (v *Version) Key() string { return versionKey(v.Scope, v.Name, v.Number) }

func versionKey(s Scope, name string, number int64) string {
	return s.Key(name, fmt.Sprintf("%019d", number))
}

// maxLevels is how deep a hierarchy may be.
const maxLevels = 15

// checkName refuses names that Parameter Store refuses (PutParameter in the API reference, "Name").
func checkName(name string) error {
	plain := strings.TrimPrefix(name, "/")
	lower := strings.ToLower(plain)
	switch {
	case strings.Trim(name, nameLetters) != "" || plain == "":
		return refuse("ValidationException", "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case strings.HasPrefix(lower, "aws"):
		return refuse("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(lower, "ssm"), strings.Contains(name, "//"), strings.HasSuffix(name, "/"):
		return refuse("ValidationException", "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case strings.Contains(plain, "/") && name[0] != '/':
		return refuse("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > maxLevels:
		return refuse("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of %d levels.", maxLevels)
	}
	return nil
}

const nameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/"
