package authz_test

import (
	"errors"
	"testing"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// guarded returns a guard, the root key of a new account, and the key of an
// instance in it.
func guarded(t *testing.T) (guard *authz.Guard, root, instance iam.AccessKey) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	keys := iam.New(st, iam.Config{})
	account, root, err := keys.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	instance, err = keys.IssueInstanceKey(t.Context(), account.ID, "i-0123456789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	return authz.New(keys), root, instance
}

func TestGuard(t *testing.T) {
	guard, root, instance := guarded(t)
	for _, c := range []struct {
		name   string
		key    iam.AccessKey
		action string
		ok     bool
	}{
		{"root may do anything", root, "ecs:DeleteCluster", true},
		{"root may do what does not exist", root, "never:Heard", true},
		{"an instance may say what became of a task", instance, "ecs:SubmitTaskStateChange", true},
		{"whatever the case", instance, "ECS:submittaskstatechange", true},
		{"an instance may pull", instance, "ecr:BatchGetImage", true},
		{"an instance may not push", instance, "ecr:PutImage", false},
		{"an instance may not run tasks", instance, "ecs:RunTask", false},
		{"a pattern covers only what it says", instance, "ecs:PollMore", false},
		{"nor what ends like it", instance, "xecs:Poll", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cred, ok, err := guard.Key(t.Context(), c.key.ID, "")
			if err != nil || !ok || cred.SecretAccessKey != c.key.Secret || cred.Principal.ARN != c.key.Principal {
				t.Fatalf("Key = %+v, %v, %v", cred, ok, err)
			}
			byCall := guard.Authorize(t.Context(), nil, cred, c.action, []string{"arn:aws:x"})
			byKey := guard.AuthorizeKey(c.key.ID, c.action, "arn:aws:x")
			if (byCall == nil) != c.ok || (byKey == nil) != c.ok {
				t.Errorf("%s: %v by call, %v by key; want allowed: %v", c.action, byCall, byKey, c.ok)
			}
			if c.ok {
				return
			}
			want := "User: " + c.key.Principal + " is not authorized to perform: " + c.action +
				" on resource: arn:aws:x because no identity-based policy allows the " + c.action + " action"
			if denied, ok := errors.AsType[*wire.Denied](byCall); !ok || denied.Text != want {
				t.Errorf("refused by call with %v, want %q", byCall, want)
			}
			if e, ok := errors.AsType[*apierr.Error](byKey); !ok || e.Code != "AccessDeniedException" || e.Message != want {
				t.Errorf("refused by key with %v, want %q", byKey, want)
			}
		})
	}
}

func TestAKeyThatIsNotThere(t *testing.T) {
	guard, _, _ := guarded(t)
	if _, ok, err := guard.Key(t.Context(), "AKIAAAAAAAAAAAAAAAAA", ""); ok || err != nil {
		t.Errorf("a key that is not there: %v, %v", ok, err)
	}
	if err := guard.AuthorizeKey("AKIAAAAAAAAAAAAAAAAA", "ecr:BatchGetImage", "*"); err == nil {
		t.Error("a key that is not there may pull")
	}
}

func TestPatterns(t *testing.T) {
	guard := authz.New(nil)
	for _, c := range []struct {
		name  string
		allow []string
		want  bool
	}{
		{"no pattern", nil, false},
		{"an empty list", []string{}, false},
		{"everything", []string{"*"}, true},
		{"a service", []string{"ecs:*"}, true},
		{"another case", []string{"ECS:submit*"}, true},
		{"a star within", []string{"ecs:Submit*Change"}, true},
		{"more than the action", []string{"ecs:Submit*Changes"}, false},
		{"one character", []string{"ecs:SubmitTaskStateChang?"}, true},
		{"one character too many", []string{"ecs:SubmitTaskStateChange?"}, false},
		{"others", []string{"ecr:*", "ecs:Poll"}, false},
		{"the second", []string{"ecr:*", "*:*Task*State*"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := guard.Authorize(t.Context(), nil, wire.Credential{Allow: c.allow}, "ecs:SubmitTaskStateChange", nil)
			if (err == nil) != c.want {
				t.Errorf("%q: %v, want allowed: %v", c.allow, err, c.want)
			}
		})
	}
}
