// Package ssmshape owns the shapes of the AWS Systems Manager API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire.
// Regenerate with the model directory in SLIPWAY_MODELS (see internal/wire/gen).
package ssmshape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model ssm.json -package ssmshape -ops AddTagsToResource,DeleteParameter,DeleteParameters,DescribeParameters,GetParameter,GetParameterHistory,GetParameters,GetParametersByPath,LabelParameterVersion,ListTagsForResource,PutParameter,RemoveTagsFromResource,UnlabelParameterVersion -invalid ValidationException -out shapes_gen.go
