// Package ecsshape owns the shapes of the Amazon ECS API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire and how rooms persist what a user wrote.
// Regenerate with the model directory in SLIPWAY_MODELS (see internal/wire/gen).
package ecsshape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model ecs.json -package ecsshape -ops @operations.txt -invalid InvalidParameterException -out shapes_gen.go
