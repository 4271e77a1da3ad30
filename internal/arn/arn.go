// Package arn owns the form of Amazon Resource Names,
// arn:partition:service:region:account:resource.
//
// It promises that Parse and String are inverse to each other and that a parsed
// name has all six parts where AWS demands them. It does not know what a
// resource part means: each room makes and takes apart its own.
package arn

import (
	"fmt"
	"strings"
)

// Partition is the only partition that Slipway serves.
const Partition = "aws"

const prefix = "arn:"

// ARN is a parsed name. Region and Account may be empty (as in IAM and S3
// names); Resource may hold colons and slashes.
type ARN struct {
	Partition string
	Service   string
	Region    string
	Account   string
	Resource  string
}

// New returns a name in Slipway's partition.
func New(service, region, account, resource string) ARN {
	return ARN{Partition: Partition, Service: service, Region: region, Account: account, Resource: resource}
}

// Is reports whether s means to be an ARN, as opposed to a short name: AWS
// decides by the prefix alone and then finds fault with the rest.
func Is(s string) bool { return strings.HasPrefix(s, prefix) }

// Parse takes s apart. It refuses a name with fewer than six parts or with an
// empty partition, service or resource.
func Parse(s string) (ARN, error) {
	if !Is(s) {
		return ARN{}, fmt.Errorf("parse ARN %q: no %q in front", s, prefix)
	}
	p := strings.SplitN(s[len(prefix):], ":", 5)
	if len(p) < 5 {
		return ARN{}, fmt.Errorf("parse ARN %q: %d of 6 parts", s, len(p)+1)
	}
	a := ARN{Partition: p[0], Service: p[1], Region: p[2], Account: p[3], Resource: p[4]}
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, fmt.Errorf("parse ARN %q: empty partition, service or resource", s)
	}
	return a, nil
}

// String returns the name in its usual form.
func (a ARN) String() string {
	return prefix + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Type splits the resource part at its first slash or colon: "task" and
// "default/0123" of "task/default/0123". A resource without one is all id.
func (a ARN) Type() (kind, id string) {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i], a.Resource[i+1:]
	}
	return "", a.Resource
}
