// Package stsshape owns the shapes of the AWS STS API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire.
// Regenerate with the model directory in SLIPWAY_MODELS (see internal/wire/gen).
package stsshape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model sts.json -package stsshape -ops AssumeRole,GetAccessKeyInfo,GetCallerIdentity,GetSessionToken -out shapes_gen.go
