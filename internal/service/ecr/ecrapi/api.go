// Package ecrapi is the front door of ECR: it turns API requests into calls of
// the ecr room and its records into API shapes.
//
// It promises AWS's error codes and texts, which errors.go makes from what the
// room reports. It refuses what would need a service that is not there: KMS
// encryption, and registries of other accounts.
package ecrapi

import (
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/wire"
)

// api holds what the handlers need.
type api struct {
	room *ecr.Room
}

// Register binds the operations of ECR that are served.
func Register(mux *wire.Mux, room *ecr.Room) {
	a := &api{room: room}
	wire.Handle(mux, ecrshape.GetAuthorizationToken, a.getAuthorizationToken)

	wire.Handle(mux, ecrshape.CreateRepository, a.createRepository,
		named(func(in *ecrshape.CreateRepositoryInput) *string { return in.RepositoryName }))
	wire.Handle(mux, ecrshape.DescribeRepositories, a.describeRepositories, wire.Resources(describedRepositories))
	wire.Handle(mux, ecrshape.DeleteRepository, a.deleteRepository,
		named(func(in *ecrshape.DeleteRepositoryInput) *string { return in.RepositoryName }))
	wire.Handle(mux, ecrshape.PutImageTagMutability, a.putImageTagMutability,
		named(func(in *ecrshape.PutImageTagMutabilityInput) *string { return in.RepositoryName }))

	wire.Handle(mux, ecrshape.ListImages, a.listImages,
		named(func(in *ecrshape.ListImagesInput) *string { return in.RepositoryName }))
	wire.Handle(mux, ecrshape.DescribeImages, a.describeImages,
		named(func(in *ecrshape.DescribeImagesInput) *string { return in.RepositoryName }))
	wire.Handle(mux, ecrshape.BatchGetImage, a.batchGetImage,
		named(func(in *ecrshape.BatchGetImageInput) *string { return in.RepositoryName }))
	wire.Handle(mux, ecrshape.BatchDeleteImage, a.batchDeleteImage,
		named(func(in *ecrshape.BatchDeleteImageInput) *string { return in.RepositoryName }))

	wire.Handle(mux, ecrshape.TagResource, a.tagResource,
		byARN(func(in *ecrshape.TagResourceInput) *string { return in.ResourceArn }))
	wire.Handle(mux, ecrshape.UntagResource, a.untagResource,
		byARN(func(in *ecrshape.UntagResourceInput) *string { return in.ResourceArn }))
	wire.Handle(mux, ecrshape.ListTagsForResource, a.listTagsForResource,
		byARN(func(in *ecrshape.ListTagsForResourceInput) *string { return in.ResourceArn }))
}

// named says that an operation acts on the repository of that name.
func named[In any](name func(*In) *string) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		return []string{scope(call).RepositoryARN(deref(name(in.(*In))))}
	})
}

// byARN says that an operation acts on the resource of that ARN.
func byARN[In any](arn func(*In) *string) wire.HandleOption {
	return wire.Resources(func(_ *wire.Call, in any) []string {
		return []string{deref(arn(in.(*In)))}
	})
}

// describedRepositories are those that are named, or all.
func describedRepositories(call *wire.Call, in any) []string {
	names := in.(*ecrshape.DescribeRepositoriesInput).RepositoryNames
	if len(names) == 0 {
		names = []string{"*"}
	}
	arns := make([]string, 0, len(names))
	for _, name := range names {
		arns = append(arns, scope(call).RepositoryARN(name))
	}
	return arns
}

func scope(call *wire.Call) ecr.Scope {
	return ecr.Scope{Account: call.Account, Region: call.Region}
}

// registry is the scope that a request is about. Another account's registry
// would need a policy of that account, and there are none.
func registry(call *wire.Call, id *string, repository string) (ecr.Scope, error) {
	s := scope(call)
	if id == nil || *id == s.Account {
		return s, nil
	}
	action := call.Service + ":" + call.Operation
	other := ecr.Scope{Account: *id, Region: s.Region}
	return s, apierr.Client("AccessDeniedException",
		"User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %s action",
		call.Principal.ARN, action, other.RepositoryARN(repository), action)
}

func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
