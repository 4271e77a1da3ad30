// Package logsshape owns the shapes of the Amazon CloudWatch Logs API that Slipway serves:
// generated from the API's model, plain structs without behaviour.
//
// They are what crosses the wire. Regenerate with the model directory in
// SLIPWAY_MODELS (see internal/wire/gen).
package logsshape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model logs.json -package logsshape -ops @operations.txt -invalid InvalidParameterException -internal ServiceUnavailableException -out shapes_gen.go
