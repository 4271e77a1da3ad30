package policy_test

import (
	"fmt"
	"testing"

	"github.com/slipway/slipway/internal/authz/policy"
)

// doc reads an identity policy with one statement that allows everything under a
// condition.
func conditional(t testing.TB, condition string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":%s}}`, condition), policy.Identity)
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	return d
}

func TestOperators(t *testing.T) {
	about := policy.Values{
		"aws:username": {"ada"}, "aws:principaltag/team": {"Red*"}, "s3:prefix": {"home/ada/x"}, "s3:max-keys": {"10"},
		"aws:currenttime": {"2026-02-03T04:05:06Z"}, "aws:epochtime": {"1770091506"}, "aws:securetransport": {"true"},
		"aws:sourceip": {"203.0.113.9"}, "aws:sourcearn": {"arn:aws:ecs:eu-west-3:123456789012:task/default/0123"},
		"aws:tagkeys": {"Team", "Cost"}, "k:bytes": {"QmluYXJ5"}, "aws:none": {}, "k:word": {"abc"},
	}
	for _, c := range []struct {
		name, condition string
		want            bool
	}{
		{"StringEquals", `{"StringEquals":{"aws:username":"ada"}}`, true},
		{"StringEquals knows case", `{"StringEquals":{"aws:username":"Ada"}}`, false},
		{"StringEquals knows no wildcards", `{"StringEquals":{"aws:username":"a*"}}`, false},
		{"one of several values", `{"StringEquals":{"aws:username":["eve","ada"]}}`, true},
		{"the key in any case", `{"StringEquals":{"AWS:UserName":"ada"}}`, true},
		{"the operator in any case", `{"stringequals":{"aws:username":"ada"}}`, true},
		{"an absent key", `{"StringEquals":{"aws:absent":"ada"}}`, false},
		{"a key without values is absent", `{"StringEquals":{"aws:none":"ada"}}`, false},
		{"two keys must both hold", `{"StringEquals":{"aws:username":"ada","k:word":"x"}}`, false},
		{"two operators must both hold", `{"StringEquals":{"aws:username":"ada"},"Bool":{"aws:SecureTransport":"true"}}`, true},
		{"StringNotEquals", `{"StringNotEquals":{"aws:username":"eve"}}`, true},
		{"StringNotEquals of one of several", `{"StringNotEquals":{"aws:username":["eve","ada"]}}`, false},
		{"StringNotEquals of an absent key", `{"StringNotEquals":{"aws:absent":"x"}}`, true},
		{"StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase":{"aws:username":"ADA"}}`, true},
		{"StringNotEqualsIgnoreCase", `{"StringNotEqualsIgnoreCase":{"aws:username":"ADA"}}`, false},
		{"StringLike", `{"StringLike":{"s3:prefix":"home/*/x"}}`, true},
		{"StringLike one character", `{"StringLike":{"aws:username":"a?a"}}`, true},
		{"StringLike covers the whole", `{"StringLike":{"s3:prefix":"home/*/"}}`, false},
		{"StringNotLike", `{"StringNotLike":{"s3:prefix":"home/*"}}`, false},
		{"a variable", `{"StringLike":{"s3:prefix":"home/${aws:username}/*"}}`, true},
		{"a variable in StringEquals", `{"StringEquals":{"k:word":"${aws:username}"}}`, false},
		{"a variable without a value fits nothing", `{"StringLike":{"s3:prefix":"*${aws:absent}"}}`, false},
		{"a variable with a value for its absence", `{"StringEquals":{"aws:username":"${aws:absent, 'ada'}"}}`, true},
		{"a wildcard in a variable's value is a letter", `{"StringLike":{"aws:PrincipalTag/team":"${aws:PrincipalTag/team}"}}`, true},
		{"and stands for nothing else", `{"StringLike":{"k:word":"${aws:PrincipalTag/team}"}}`, false},
		{"a star that is a letter", `{"StringLike":{"aws:PrincipalTag/team":"Red${*}"}}`, true},
		{"a star that is a letter matches no other", `{"StringLike":{"k:word":"ab${*}"}}`, false},
		{"a backslash is a letter", `{"StringLike":{"k:word":"ab\\c${aws:absent,''}"}}`, false},
		{"ArnLike", `{"ArnLike":{"aws:SourceArn":"arn:aws:ecs:eu-west-3:123456789012:*"}}`, true},
		{"ArnEquals takes patterns too", `{"ArnEquals":{"aws:SourceArn":"arn:aws:ecs:*:123456789012:task/*"}}`, true},
		{"ArnLike part by part", `{"ArnLike":{"aws:SourceArn":"arn:aws:*:task/default/0123"}}`, false},
		{"ArnLike of what is no ARN", `{"ArnLike":{"aws:username":"arn:*:*:*:*:*"}}`, false},
		{"ArnNotLike", `{"ArnNotLike":{"aws:SourceArn":"arn:aws:ecs:eu-*:*:*"}}`, false},
		{"ArnNotEquals", `{"ArnNotEquals":{"aws:SourceArn":"arn:aws:ecs:us-*:*:*"}}`, true},
		{"ArnLike with a variable", `{"ArnLike":{"aws:SourceArn":"arn:aws:ecs:*:*:task/${aws:absent, 'default'}/*"}}`, true},
		{"NumericEquals", `{"NumericEquals":{"s3:max-keys":"10.0"}}`, true},
		{"NumericEquals of a number", `{"NumericEquals":{"s3:max-keys":10}}`, true},
		{"NumericNotEquals", `{"NumericNotEquals":{"s3:max-keys":"10"}}`, false},
		{"NumericLessThan", `{"NumericLessThan":{"s3:max-keys":"10"}}`, false},
		{"NumericLessThanEquals", `{"NumericLessThanEquals":{"s3:max-keys":"10"}}`, true},
		{"NumericGreaterThan", `{"NumericGreaterThan":{"s3:max-keys":"9"}}`, true},
		{"NumericGreaterThanEquals", `{"NumericGreaterThanEquals":{"s3:max-keys":"11"}}`, false},
		{"Numeric of what is no number", `{"NumericLessThan":{"aws:username":"10"}}`, false},
		{"DateEquals", `{"DateEquals":{"aws:CurrentTime":"2026-02-03T05:05:06+01:00"}}`, true},
		{"DateNotEquals", `{"DateNotEquals":{"aws:CurrentTime":"2026-02-03T04:05:06Z"}}`, false},
		{"DateLessThan", `{"DateLessThan":{"aws:CurrentTime":"2026-02-04"}}`, true},
		{"DateLessThanEquals", `{"DateLessThanEquals":{"aws:CurrentTime":"2026-02-03T04:05:05Z"}}`, false},
		{"DateGreaterThan", `{"DateGreaterThan":{"aws:CurrentTime":"2026"}}`, true},
		{"DateGreaterThanEquals", `{"DateGreaterThanEquals":{"aws:CurrentTime":"2027-01"}}`, false},
		{"a date in seconds", `{"DateGreaterThan":{"aws:EpochTime":"1700000000"}}`, true},
		{"Bool", `{"Bool":{"aws:SecureTransport":"true"}}`, true},
		{"Bool of a boolean", `{"Bool":{"aws:SecureTransport":false}}`, false},
		{"BinaryEquals", `{"BinaryEquals":{"k:bytes":"QmluYXJ5"}}`, true},
		{"BinaryEquals of others", `{"BinaryEquals":{"k:bytes":"QmluYXI="}}`, false},
		{"IpAddress", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, true},
		{"IpAddress of one", `{"IpAddress":{"aws:SourceIp":["198.51.100.1","203.0.113.9"]}}`, true},
		{"IpAddress of another net", `{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`, false},
		{"IpAddress of what is none", `{"IpAddress":{"aws:username":"0.0.0.0/0"}}`, false},
		{"NotIpAddress", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, false},
		{"Null of what is there", `{"Null":{"aws:username":"true"}}`, false},
		{"Null of what is absent", `{"Null":{"aws:absent":"true"}}`, true},
		{"Null false of what is there", `{"Null":{"aws:username":false}}`, true},
		{"Null false of what is absent", `{"Null":{"aws:absent":"false"}}`, false},
		{"IfExists of an absent key", `{"StringEqualsIfExists":{"aws:absent":"x"}}`, true},
		{"IfExists of another value", `{"StringEqualsIfExists":{"aws:username":"x"}}`, false},
		{"IpAddressIfExists", `{"IpAddressIfExists":{"aws:VpcSourceIp":"10.0.0.0/8"}}`, true},
		{"ForAllValues", `{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","Cost","Owner"]}}`, true},
		{"ForAllValues with one too many", `{"ForAllValues:StringEquals":{"aws:TagKeys":["Team"]}}`, false},
		{"ForAllValues of an absent key", `{"ForAllValues:StringEquals":{"aws:absent":["Team"]}}`, true},
		{"ForAllValues Not", `{"ForAllValues:StringNotEquals":{"aws:TagKeys":["Owner"]}}`, true},
		{"ForAllValues Not with one that is", `{"ForAllValues:StringNotEquals":{"aws:TagKeys":["Cost"]}}`, false},
		{"ForAnyValue", `{"ForAnyValue:StringLike":{"aws:TagKeys":["C*"]}}`, true},
		{"ForAnyValue with none", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["Owner"]}}`, false},
		{"ForAnyValue of an absent key", `{"ForAnyValue:StringEquals":{"aws:absent":["Team"]}}`, false},
		{"ForAnyValue Not", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["Cost"]}}`, true},
		{"ForAnyValue Not of an absent key", `{"ForAnyValue:StringNotEquals":{"aws:absent":["Cost"]}}`, false},
		{"no conditions in the block", `{}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := conditional(t, c.condition).Decide(&policy.Request{Action: "s3:GetObject", Resource: "*", Context: about.Get})
			if (got == policy.Allow) != c.want {
				t.Errorf("%s: %v, want it to hold: %v", c.condition, got, c.want)
			}
		})
	}
}
