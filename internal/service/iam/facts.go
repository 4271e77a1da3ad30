package iam

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/authz/policy"
)

// Facts are what a policy's conditions may ask about a request: the keys that are
// known of every call (IAM user guide, "AWS global condition context keys"), and
// those that the operation itself tells. A key of the resource, such as its tags,
// is among them only if the operation tells it; a condition on what is not known
// holds only if it is content with the key's absence.
type Facts struct {
	Call    *CallFacts     // nil: there is no call
	Rights  *Rights        // nil: the caller is no session of a role
	Request policy.Context // keys of the operation; nil: none
}

// CallFacts are what is known of a call.
type CallFacts struct {
	Region, UserAgent string // "": not known
	RemoteAddr        string // host:port
	Secure            bool   // came over TLS
	UserID, Account   string // the caller's
}

const tagPrefix = "aws:principaltag/"

// Value is the policy.Context.
func (f *Facts) Value(key string) ([]string, bool) {
	if name, ok := strings.CutPrefix(key, tagPrefix); ok {
		return f.tag(name)
	}
	v := now(key)
	if v == "" && f.Call != nil {
		v = f.Call.value(key)
	}
	if v == "" && f.Rights != nil {
		v = f.Rights.value(key)
	}
	if v != "" {
		return []string{v}, true
	}
	if f.Request != nil {
		return f.Request(key)
	}
	return nil, false
}

// tag may be there and empty.
func (f *Facts) tag(name string) ([]string, bool) {
	if f.Rights == nil {
		return nil, false
	}
	v, ok := f.Rights.Tag(name)
	if !ok {
		return nil, false
	}
	return []string{v}, true
}

func now(key string) string {
	switch key {
	case "aws:currenttime":
		return time.Now().UTC().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(time.Now().Unix(), 10)
	}
	return ""
}

func (c *CallFacts) value(key string) string {
	switch key {
	case "aws:requestedregion":
		return c.Region
	case "aws:sourceip":
		return sourceIP(c.RemoteAddr)
	case "aws:securetransport":
		return strconv.FormatBool(c.Secure)
	case "aws:useragent":
		return c.UserAgent
	case "aws:userid":
		return c.UserID
	case "aws:principalaccount":
		return c.Account
	case "aws:principalisawsservice", "aws:viaawsservice":
		return "false"
	}
	return ""
}

// sourceIP is the address without the port and without an IPv6 zone, "" if it is
// none.
func sourceIP(remote string) string {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ""
	}
	return a.Addr().Unmap().WithZone("").String()
}

func (r *Rights) value(key string) string {
	switch key {
	case "aws:principalarn":
		return r.Role.ARN()
	case "aws:principalaccount":
		return r.Role.Account
	case "aws:principaltype":
		return "AssumedRole"
	case "aws:tokenissuetime":
		if r.Session != nil {
			return r.Session.Issued.Format(time.RFC3339)
		}
	}
	return ""
}
