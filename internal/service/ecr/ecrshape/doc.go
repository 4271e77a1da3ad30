// Package ecrshape owns the shapes of the Amazon ECR API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire and how rooms persist what a user wrote.
// Regenerate with the model directory in SLIPWAY_MODELS (see internal/wire/gen).
package ecrshape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model ecr.json -package ecrshape -ops BatchDeleteImage,BatchGetImage,CreateRepository,DeleteRepository,DescribeImages,DescribeRepositories,GetAuthorizationToken,ListImages,ListTagsForResource,PutImageTagMutability,TagResource,UntagResource -invalid InvalidParameterException -text "Invalid parameter at '%s' failed to satisfy constraint: '%s'" -out shapes_gen.go
