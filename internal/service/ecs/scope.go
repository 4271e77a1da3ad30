package ecs

import (
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// Scope is the account and the region that own a record. It begins every key,
// so nothing leaks between accounts or regions.
type Scope struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Key is a store key under the scope.
func (s Scope) Key(parts ...string) string {
	return store.Key(append([]string{s.Account, s.Region}, parts...)...)
}

// Prefix is the prefix of all store keys under the scope and the given parents.
func (s Scope) Prefix(parts ...string) string { return s.Key(parts...) + "/" }

// ARN names an ECS resource of the scope, such as "cluster/default".
func (s Scope) ARN(resource string) string {
	return arn.ARN{Partition: "aws", Service: "ecs", Region: s.Region, Account: s.Account, Resource: resource}.String()
}
