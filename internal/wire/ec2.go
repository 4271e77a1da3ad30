package wire

import (
	"reflect"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/awsquery"
)

const (
	xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

	// ec2 does not tell a stranger what was wrong.
	ec2AuthText = "AWS was not able to validate the provided access credentials"
)

// ec2Protocol is ec2Query, which ec2 alone speaks.
var ec2Protocol = formProtocol{
	name: ProtocolEC2, dialect: awsquery.EC2, answer: ec2Answer, errors: ec2Error,
	say: &words{
		unknownOperation: unknownAction,
		auth: map[authFailure]word{
			authMissing:      {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
			authIncomplete:   {"IncompleteSignature", 400, ""},
			authMismatch:     {"AuthFailure", 401, ec2AuthText},
			authSkewed:       {"RequestExpired", 400, "Request has expired."},
			authUnknownKey:   {"AuthFailure", 401, ec2AuthText},
			authTokenExpired: {"RequestExpired", 400, "Request has expired."},
			authDenied:       {"UnauthorizedOperation", 403, ""},
		},
		tooLarge:   "RequestTooLarge",
		unreadable: "MalformedInput",
	},
}

func ec2Answer(b []byte, f formProtocol, r *request, op *bound, out reflect.Value) []byte {
	b = append(b, xmlHeader+"<"+op.name+`Response xmlns="`+op.service.XMLNamespace+`/">`...)
	b = awsquery.AppendElement(b, "requestId", r.id)
	b = awsquery.AppendMembers(b, f.dialect, op.out, out)
	return append(b, "</"+op.name+"Response>"...)
}

func ec2Error(b []byte, r *request, _ *Service, e *apierr.Error) []byte {
	b = append(b, xmlHeader+"<Response><Errors><Error>"...)
	b = awsquery.AppendElement(b, "Code", e.Code)
	b = awsquery.AppendElement(b, "Message", e.Message)
	b = append(b, "</Error></Errors>"...)
	b = awsquery.AppendElement(b, "RequestID", r.id)
	return append(b, "</Response>"...)
}
