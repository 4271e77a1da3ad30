// Package ec2shape owns the shapes of the Amazon EC2 API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire and how rooms persist what a user wrote.
// Regenerate with the model directory in SLIPWAY_MODELS (see internal/wire/gen).
package ec2shape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model ec2.json -package ec2shape -ops DescribeAvailabilityZones,DescribeInstances,DescribeSubnets,DescribeVpcs -out shapes_gen.go
