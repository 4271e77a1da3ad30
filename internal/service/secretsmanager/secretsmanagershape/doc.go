// Package secretsmanagershape owns the shapes of the AWS Secrets Manager API that Slipway serves: generated
// from the API's model, plain structs without behaviour.
//
// They are what crosses the wire.
// Regenerate with the model directory in SLIPWAY_MODELS (see internal/wire/gen).
package secretsmanagershape

//go:generate go run github.com/slipway/slipway/internal/wire/gen -model secretsmanager.json -package secretsmanagershape -ops BatchGetSecretValue,CreateSecret,DeleteResourcePolicy,DeleteSecret,DescribeSecret,GetRandomPassword,GetResourcePolicy,GetSecretValue,ListSecretVersionIds,ListSecrets,PutResourcePolicy,PutSecretValue,RestoreSecret,TagResource,UntagResource,UpdateSecret,UpdateSecretVersionStage -invalid ValidationException -out shapes_gen.go
