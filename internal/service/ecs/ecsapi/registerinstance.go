package ecsapi

import (
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// registerContainerInstance is the operation as agents call it: they send a
// client token, which the public model does not have.
var registerContainerInstance = &wire.Operation[registerInstanceInput, ecsshape.RegisterContainerInstanceOutput]{
	Service: ecsshape.RegisterContainerInstance.Service, Name: ecsshape.RegisterContainerInstance.Name,
}

type registerInstanceInput struct {
	Attributes               []ecsshape.Attribute  `json:"attributes,omitzero"`
	ClientToken              *string               `json:"clientToken,omitzero"`
	Cluster                  *string               `json:"cluster,omitzero"`
	ContainerInstanceArn     *string               `json:"containerInstanceArn,omitzero"`
	InstanceIdentityDocument *string               `json:"instanceIdentityDocument,omitzero"`
	Tags                     []ecsshape.Tag        `json:"tags,omitzero" aws:"c=Tags"`
	TotalResources           []ecsshape.Resource   `json:"totalResources,omitzero"`
	VersionInfo              *ecsshape.VersionInfo `json:"versionInfo,omitzero"`
}
