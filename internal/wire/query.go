package wire

import (
	"reflect"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/awsquery"
)

// queryProtocol is awsQuery, which iam, sts, elb, elbv2, autoscaling … speak.
var queryProtocol = formProtocol{
	name: ProtocolQuery, dialect: awsquery.Query, answer: queryAnswer, errors: queryError,
	say: &words{
		unknownOperation: unknownAction,
		auth: map[authFailure]word{
			authMissing:      {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
			authIncomplete:   {"IncompleteSignature", 400, ""},
			authMismatch:     {"SignatureDoesNotMatch", 403, ""},
			authSkewed:       {"SignatureDoesNotMatch", 403, ""},
			authUnknownKey:   {"InvalidClientTokenId", 403, ""},
			authTokenExpired: {"ExpiredToken", 403, ""},
			authDenied:       {"AccessDenied", 403, ""},
		},
		tooLarge:   "RequestTooLarge",
		unreadable: "MalformedInput",
	},
}

func queryAnswer(b []byte, f formProtocol, r *request, op *bound, out reflect.Value) []byte {
	b = append(b, "<"+op.name+`Response xmlns="`+op.service.XMLNamespace+`">`...)
	b = append(b, "<"+op.name+"Result>"...)
	b = awsquery.AppendMembers(b, f.dialect, op.out, out)
	b = append(b, "</"+op.name+"Result><ResponseMetadata>"...)
	b = awsquery.AppendElement(b, "RequestId", r.id)
	return append(b, "</ResponseMetadata></"+op.name+"Response>"...)
}

func queryError(b []byte, r *request, s *Service, e *apierr.Error) []byte {
	b = append(b, "<ErrorResponse"...)
	if s != nil {
		b = append(b, ` xmlns="`+s.XMLNamespace+`"`...)
	}
	b = append(b, "><Error>"...)
	b = awsquery.AppendElement(b, "Type", e.Fault.String())
	b = awsquery.AppendElement(b, "Code", e.Code)
	b = awsquery.AppendElement(b, "Message", e.Message)
	b = append(b, "</Error>"...)
	b = awsquery.AppendElement(b, "RequestId", r.id)
	return append(b, "</ErrorResponse>"...)
}
