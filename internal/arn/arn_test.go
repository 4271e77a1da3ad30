package arn_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/arn"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     arn.ARN
		kind, id string
		ok       bool
	}{
		{"task", "arn:aws:ecs:eu-west-3:1:task/default/0a", arn.New("ecs", "eu-west-3", "1", "task/default/0a"), "task", "default/0a", true},
		{"colons in the resource", "arn:aws:logs:r:1:log-group:/a:b:*", arn.New("logs", "r", "1", "log-group:/a:b:*"), "log-group", "/a:b:*", true},
		{"no region or account", "arn:aws:s3:::bucket", arn.New("s3", "", "", "bucket"), "", "bucket", true},
		{"short name", "default", arn.ARN{}, "", "", false},
		{"five parts", "arn:aws:ecs:r:1", arn.ARN{}, "", "", false},
		{"empty resource", "arn:aws:ecs:r:1:", arn.ARN{}, "", "", false},
		{"empty service", "arn:aws::r:1:x", arn.ARN{}, "", "", false},
		{"empty", "", arn.ARN{}, "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := arn.Parse(tc.in)
			if (err == nil) != tc.ok || got != tc.want {
				t.Fatalf("Parse = %+v, %v", got, err)
			}
			if kind, id := got.Type(); tc.ok && (kind != tc.kind || id != tc.id) {
				t.Errorf("Type = %q, %q", kind, id)
			}
		})
	}
}

func TestStringIsInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z0-9-]{1,8}`)
		a := arn.New(word.Draw(t, "service"), word.Draw(t, "region"), word.Draw(t, "account"), rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "resource"))
		if got, err := arn.Parse(a.String()); err != nil || got != a {
			t.Fatalf("Parse(%q) = %+v, %v", a, got, err)
		}
	})
}
