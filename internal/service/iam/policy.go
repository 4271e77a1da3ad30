package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Policy is a managed policy: of an account, or of AWS, which has no account.
type Policy struct {
	Account     string    `json:"account"` // "" if it is AWS's
	Name        string    `json:"name"`
	Path        string    `json:"path"`
	ID          string    `json:"id"` // ANPA and 17 of A-Z2-7
	Description string    `json:"description,omitempty"`
	Versions    []Version `json:"versions"` // in the order in which they were made
	Default     string    `json:"default"`  // id of the version that counts
	Made        int       `json:"made"`     // how many versions there have been
	Tags        []tag.Tag `json:"tags,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"` // when the default version became that
}

// Version is one text of a managed policy.
type Version struct {
	ID        string    `json:"id"` // v1, v2 …
	Document  string    `json:"document"`
	CreatedAt time.Time `json:"createdAt"`
}

// Limits of AWS (IAM user guide, "IAM and AWS STS quotas").
const (
	maxManaged  = 6144 // characters of a managed policy, white space not counted
	maxVersions = 5
)

// Key is the record's store key.
func (p *Policy) Key() string { return store.Key(p.Account, global, strings.ToLower(p.Name)) }

// ARN is the policy's name, path included.
func (p *Policy) ARN() string {
	account := p.Account
	if account == "" {
		account = "aws"
	}
	return arn.New("iam", "", account, "policy"+p.Path+p.Name).String()
}

// Version finds a version by its id.
func (p *Policy) Version(id string) (Version, bool) {
	if i := p.version(id); i >= 0 {
		return p.Versions[i], true
	}
	return Version{}, false
}

func (p *Policy) version(id string) int {
	return slices.IndexFunc(p.Versions, func(v Version) bool { return v.ID == id })
}

// findPolicy finds a managed policy that the account may use.
func findPolicy(rd store.Reader, account, policyARN string) (*Policy, bool) {
	if p, ok := awsManaged(policyARN); ok {
		return p, true
	}
	i := strings.LastIndexByte(policyARN, '/')
	p, ok := Policies.Get(rd, store.Key(account, global, strings.ToLower(policyARN[i+1:])))
	if !ok || p.ARN() != policyARN {
		return nil, false
	}
	return p, true
}

// checkPolicyARN refuses what is no name of anything.
func checkPolicyARN(s string) error {
	if _, err := arn.Parse(s); err != nil {
		return &InputError{fmt.Sprintf("ARN %s is not valid.", s)}
	}
	return nil
}

// GetPolicy finds a managed policy of the account or of AWS.
func (r *Room) GetPolicy(account, policyARN string) (*Policy, error) {
	if err := checkPolicyARN(policyARN); err != nil {
		return nil, err
	}
	p, ok := findPolicy(r.st.Snapshot(), account, policyARN)
	if !ok {
		return nil, policyNotFound(policyARN)
	}
	return p, nil
}

// GetPolicyVersion finds a text of a managed policy.
func (r *Room) GetPolicyVersion(account, policyARN, id string) (*Policy, Version, error) {
	p, err := r.GetPolicy(account, policyARN)
	if err != nil {
		return nil, Version{}, err
	}
	v, ok := p.Version(id)
	if !ok {
		return nil, Version{}, versionNotFound(policyARN, id)
	}
	return p, v, nil
}

func versionNotFound(policyARN, id string) error {
	return &NotFoundError{fmt.Sprintf("Policy %s version %s does not exist or is not attachable.", policyARN, id)}
}

// ListPolicies returns the account's policies in the order of their names, and
// then AWS's.
func (r *Room) ListPolicies(account string) (own, aws []*Policy) {
	for p := range Policies.List(r.st.Snapshot(), store.Key(account, global)+"/") {
		own = append(own, p)
	}
	return own, awsPolicies()
}

// Attachments returns the roles that a managed policy is attached to, and those
// that it bounds.
func (r *Room) Attachments(account string, p *Policy) (attached, bounded []*Role) {
	name := p.ARN()
	for role := range Roles.By(r.st.Snapshot(), indexPolicy, store.Key(account, name)) {
		if slices.Contains(role.Attached, name) {
			attached = append(attached, role)
		}
		if role.Boundary == name {
			bounded = append(bounded, role)
		}
	}
	return attached, bounded
}

// NewPolicy describes a managed policy to make.
type NewPolicy struct {
	Account, Name, Path, Description, Document string // Path "": "/"
	Tags                                       []tag.Tag
}

// CreatePolicy makes a managed policy with one version.
func (r *Room) CreatePolicy(ctx context.Context, n NewPolicy) (*Policy, error) {
	if err := tag.Check(nil, n.Tags); err != nil {
		return nil, err
	}
	if err := checkManaged(n.Document); err != nil {
		return nil, err
	}
	now := r.now().UTC().Truncate(time.Second)
	p := &Policy{
		Account: n.Account, Name: n.Name, Path: orRoot(n.Path), ID: newID("ANPA"), Description: n.Description, Tags: n.Tags,
		Versions: []Version{{ID: "v1", Document: n.Document, CreatedAt: now}}, Default: "v1", Made: 1, CreatedAt: now, UpdatedAt: now,
	}
	return p, r.st.Update(ctx, func(tx *store.Tx) error {
		if _, taken := Policies.Get(tx, p.Key()); taken {
			return &ExistsError{fmt.Sprintf("A policy called %s already exists. Duplicate names are not allowed.", n.Name)}
		}
		Policies.Put(tx, p)
		return nil
	})
}

func checkManaged(document string) error {
	if _, err := policy.Parse(document, policy.Identity); err != nil {
		return err
	}
	if size(document) > maxManaged {
		return &LimitError{fmt.Sprintf("Cannot exceed quota for PolicySize: %d", maxManaged)}
	}
	return nil
}

// changePolicy replaces a policy of the account by what do makes of a copy.
func (r *Room) changePolicy(ctx context.Context, account, policyARN string, do func(tx *store.Tx, p *Policy) error) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	if _, ok := awsManaged(policyARN); ok {
		return &ForeignError{}
	}
	return r.st.Update(ctx, func(tx *store.Tx) error {
		old, ok := findPolicy(tx, account, policyARN)
		if !ok {
			return policyNotFound(policyARN)
		}
		p := *old
		p.Versions = slices.Clone(old.Versions)
		return do(tx, &p)
	})
}

// CreatePolicyVersion adds a text to a managed policy.
func (r *Room) CreatePolicyVersion(ctx context.Context, account, policyARN, document string, asDefault bool) (*Policy, Version, error) {
	if err := checkManaged(document); err != nil {
		return nil, Version{}, err
	}
	var out *Policy
	err := r.changePolicy(ctx, account, policyARN, func(tx *store.Tx, p *Policy) error {
		if len(p.Versions) >= maxVersions {
			return &LimitError{"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."}
		}
		p.Made++
		v := Version{ID: fmt.Sprintf("v%d", p.Made), Document: document, CreatedAt: r.now().UTC().Truncate(time.Second)}
		p.Versions = append(p.Versions, v)
		if asDefault {
			p.Default, p.UpdatedAt = v.ID, v.CreatedAt
		}
		Policies.Put(tx, p)
		out = p
		return nil
	})
	if err != nil {
		return nil, Version{}, err
	}
	return out, out.Versions[len(out.Versions)-1], nil
}

// SetDefaultVersion says which version counts.
func (r *Room) SetDefaultVersion(ctx context.Context, account, policyARN, id string) error {
	return r.changePolicy(ctx, account, policyARN, func(tx *store.Tx, p *Policy) error {
		if p.version(id) < 0 {
			return versionNotFound(policyARN, id)
		}
		p.Default, p.UpdatedAt = id, r.now().UTC().Truncate(time.Second)
		Policies.Put(tx, p)
		return nil
	})
}

// DeletePolicyVersion removes a version that is not the default.
func (r *Room) DeletePolicyVersion(ctx context.Context, account, policyARN, id string) error {
	return r.changePolicy(ctx, account, policyARN, func(tx *store.Tx, p *Policy) error {
		i := p.version(id)
		switch {
		case i < 0:
			return versionNotFound(policyARN, id)
		case id == p.Default:
			return &ConflictError{"Cannot delete the default version of a policy."}
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		Policies.Put(tx, p)
		return nil
	})
}

// DeletePolicy removes a managed policy that nothing refers to and that has no
// version but the default.
func (r *Room) DeletePolicy(ctx context.Context, account, policyARN string) error {
	return r.changePolicy(ctx, account, policyARN, func(tx *store.Tx, p *Policy) error {
		switch {
		case Roles.Count(tx, indexPolicy, store.Key(account, policyARN)) > 0:
			return &ConflictError{"Cannot delete a policy attached to entities."}
		case len(p.Versions) > 1:
			return &ConflictError{"This policy has more than one version. Before you delete a policy, you must delete the policy's versions. " +
				"The default version is deleted with the policy."}
		}
		Policies.Delete(tx, p.Key())
		return nil
	})
}
