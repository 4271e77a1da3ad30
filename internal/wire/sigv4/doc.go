// Package sigv4 owns AWS Signature Version 4: it verifies signed requests, in
// the Authorization header or presigned in the query, and signs requests of our
// own.
//
// It promises that a request which verifies was made by a holder of the secret
// key, for that host, path, query, target and body, within the last minutes
// (or the presigned period), for the named service. It refuses, with AWS's own
// texts, what AWS refuses: unsigned host or x-amz- headers, scopes of another
// day or service, times more than five minutes off, presigned periods above
// seven days, bodies that do not match. UNSIGNED-PAYLOAD is for S3 alone, as at
// AWS, where it is the rule for presigned requests. Chunk-signed bodies and SigV4A are not
// known here.
//
// It knows no keys: the caller finds the secret for [Signature.AccessKeyID] and
// hands it in.
package sigv4
