// Package iamshape owns the shapes of the AWS IAM API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire. Regenerate with the model directory in
// SLIPWAY_MODELS (see internal/wire/gen).
package iamshape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model iam.json -package iamshape -ops @operations.txt -out shapes_gen.go
