package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/store"
)

// PutRolePolicy adds an inline policy to a role, or replaces the one of the name.
func (r *Room) PutRolePolicy(ctx context.Context, account, role string, p Inline) error {
	if _, err := policy.Parse(p.Document, policy.Identity); err != nil {
		return err
	}
	return r.change(ctx, account, role, func(_ *store.Tx, role *Role) error {
		role.Inline = slices.DeleteFunc(role.Inline, func(o Inline) bool { return o.Name == p.Name })
		at, _ := slices.BinarySearchFunc(role.Inline, p.Name, func(o Inline, name string) int { return strings.Compare(o.Name, name) })
		role.Inline = slices.Insert(role.Inline, at, p)
		total := 0
		for _, o := range role.Inline {
			total += size(o.Document)
		}
		if total > maxInline {
			return &LimitError{fmt.Sprintf("Maximum policy size of %d bytes exceeded for role %s", maxInline, role.Name)}
		}
		return nil
	})
}

// GetRolePolicy finds an inline policy of a role.
func (r *Room) GetRolePolicy(account, role, name string) (Inline, error) {
	rec, err := r.GetRole(account, role)
	if err != nil {
		return Inline{}, err
	}
	i := rec.inline(name)
	if i < 0 {
		return Inline{}, inlineNotFound(name)
	}
	return rec.Inline[i], nil
}

// DeleteRolePolicy removes an inline policy from a role.
func (r *Room) DeleteRolePolicy(ctx context.Context, account, role, name string) error {
	return r.change(ctx, account, role, func(_ *store.Tx, role *Role) error {
		i := role.inline(name)
		if i < 0 {
			return inlineNotFound(name)
		}
		role.Inline = slices.Delete(role.Inline, i, i+1)
		return nil
	})
}

func (r *Role) inline(name string) int {
	return slices.IndexFunc(r.Inline, func(o Inline) bool { return o.Name == name })
}

func inlineNotFound(name string) error {
	return &NotFoundError{fmt.Sprintf("The role policy with name %s cannot be found.", name)}
}

// AttachRolePolicy attaches a managed policy; it is no error if it is attached.
func (r *Room) AttachRolePolicy(ctx context.Context, account, role, policyARN string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	return r.change(ctx, account, role, func(tx *store.Tx, role *Role) error {
		if err := touchPolicy(tx, account, policyARN); err != nil {
			return err
		}
		if slices.Contains(role.Attached, policyARN) {
			return nil
		}
		if len(role.Attached) >= maxAttached {
			return &LimitError{fmt.Sprintf("Cannot exceed quota for PoliciesPerRole: %d", maxAttached)}
		}
		role.Attached = append(role.Attached, policyARN)
		return nil
	})
}

// touchPolicy writes a policy again as it is, so that its deletion at the same
// time and this transaction cannot both come to pass. It fails if the account has
// no such policy.
func touchPolicy(tx *store.Tx, account, policyARN string) error {
	if _, ok := awsManaged(policyARN); ok {
		return nil
	}
	p, ok := findPolicy(tx, account, policyARN)
	if !ok {
		return &NotFoundError{fmt.Sprintf("Policy %s does not exist or is not attachable.", policyARN)}
	}
	Policies.Put(tx, p)
	return nil
}

// DetachRolePolicy detaches a managed policy.
func (r *Room) DetachRolePolicy(ctx context.Context, account, role, policyARN string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	return r.change(ctx, account, role, func(_ *store.Tx, role *Role) error {
		i := slices.Index(role.Attached, policyARN)
		if i < 0 {
			return policyNotFound(policyARN)
		}
		role.Attached = slices.Delete(role.Attached, i, i+1)
		return nil
	})
}

// SetBoundary makes a managed policy the bound of what a role's own policies can
// allow; "" takes the bound away.
func (r *Room) SetBoundary(ctx context.Context, account, role, policyARN string) error {
	return r.change(ctx, account, role, func(tx *store.Tx, role *Role) error {
		switch {
		case policyARN != "":
			if err := touchPolicy(tx, account, policyARN); err != nil {
				return err
			}
		case role.Boundary == "":
			return &NotFoundError{fmt.Sprintf("The role with name %s does not have a permissions boundary.", role.Name)}
		}
		role.Boundary = policyARN
		return nil
	})
}
