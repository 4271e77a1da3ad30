package logsapi

import (
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/wire"
)

// groupOf is the name of the group that a request is about: its own member, or
// an identifier that is a name or an ARN.
func groupOf(call *wire.Call, name, identifier *string) (string, error) {
	switch {
	case name != nil && identifier != nil:
		return "", invalid("LogGroupName and LogGroupIdentifier cannot be specified together.")
	case name != nil:
		return *name, nil
	case identifier == nil:
		return "", invalid("Either logGroupName or logGroupIdentifier must be specified.")
	case !arn.Is(*identifier):
		return *identifier, nil
	}
	return groupInARN(call, *identifier)
}

// groupInARN takes a group's ARN apart. One of another account or region names
// nothing that is here.
func groupInARN(call *wire.Call, name string) (string, error) {
	parsed, err := arn.Parse(name)
	group, ok := strings.CutPrefix(parsed.Resource, "log-group:")
	group = strings.TrimSuffix(group, ":*")
	if err != nil || !ok || parsed.Service != "logs" || group == "" || strings.Contains(group, ":") {
		return "", invalid("The specified ARN '%s' is not the ARN of a log group.", name)
	}
	if parsed.Account != call.Account || parsed.Region != call.Region {
		return "", visible(logs.ErrGroupNotFound)
	}
	return group, nil
}
