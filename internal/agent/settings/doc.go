// Package settings finds what a task takes from elsewhere before it starts:
// secrets of Secrets Manager and Parameter Store, environment files in S3, and
// logins for private registries.
//
// It calls with the credentials of the task's execution role, asks once for what
// several containers want, and tries again for about a minute while a service
// throttles, is broken or does not answer. It promises that an error's text is
// the one that AWS shows for the same failure, and that no value of a secret is
// in it but where AWS shows some. It keeps nothing: who asks again calls again.
//
// The texts, after the beginning that the engine gives them (ECS Developer Guide,
// "ResourceInitializationError"; a Fargate task's, whose agent pulls with
// containerd as this one does):
//
//	parameters    execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried N time(s): ERROR
//	  not there   … : invalid ssm parameters: NAME,NAME
//	secret        execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried N time(s): failed to fetch secret ARN from secrets manager: ERROR
//	  no such key … N time(s): retrieved secret from Secrets Manager did not contain json key KEY
//	  no JSON     … N time(s): what Go's JSON decoder says
//	  bad ARN     trying to retrieve secret with value ARN resulted in error: … (the EC2 agent's)
//	registry      execution resource retrieval failed: unable to get registry auth from asm: service call has been retried N time(s): ERROR
//	file          file download command: non empty error stream: failed to download file NAME: failed to write to a temporary file: ERROR
//
// where ERROR is one of
//
//	refused       CODE: MESSAGE status code: 400, request id: ID
//	no answer     RequestError: send request failed caused by: Post "URL": … . Please check your task network configuration.
//	too slow      RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.
package settings
