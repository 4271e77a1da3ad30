package iam_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
)

const (
	trustTasks = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allowAll   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

// account makes an account and roles by their trust policies.
func account(t testing.TB, room *iam.Room, trusts map[string]string) string {
	t.Helper()
	a, _, err := room.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, trust := range trusts {
		if _, err := room.CreateRole(t.Context(), iam.NewRole{Account: a.ID, Name: name, Trust: trust}); err != nil {
			t.Fatal(err)
		}
	}
	return a.ID
}

func TestAssumeTaskRole(t *testing.T) {
	room, _ := openRoom(t, t.TempDir())
	confused := strings.Replace(trustTasks, `"sts:AssumeRole"`, `"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:ecs:eu-west-3:*:*"},"StringEquals":{"aws:SourceAccount":"OWN"}}`, 1)
	id := account(t, room, map[string]string{
		"task": trustTasks, "ec2": strings.Replace(trustTasks, "ecs-tasks", "ec2", 1),
	})
	other := account(t, room, map[string]string{"theirs": trustTasks})
	if _, err := room.CreateRole(t.Context(), iam.NewRole{Account: id, Name: "careful", Path: "/p/", Trust: strings.Replace(confused, "OWN", id, 1)}); err != nil {
		t.Fatal(err)
	}
	arn := func(account, role string) string { return "arn:aws:iam::" + account + ":role/" + role }

	s, err := room.AssumeTaskRole(t.Context(), id, arn(id, "task"), "0123456789abcdef", 6*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(s.Expires); left < 5*time.Hour || left > 6*time.Hour || s.RoleARN != arn(id, "task") {
		t.Errorf("session %+v", s)
	}
	if len(s.Token) > 1024 {
		t.Errorf("a token of %d characters", len(s.Token))
	}
	got, ok := room.Open(s.AccessKeyID, s.Token)
	if !ok || got.Secret != s.SecretAccessKey || got.Account != id || got.Principal != "arn:aws:sts::"+id+":assumed-role/task/0123456789abcdef" {
		t.Errorf("opened %+v, %v", got, ok)
	}
	careful := iam.TaskSession{Account: id, RoleARN: arn(id, "p/careful"), Name: "t1", SourceARN: "arn:aws:ecs:eu-west-3:" + id + ":task/default/t1", Life: time.Hour}
	if _, err := room.AssumeForTask(t.Context(), careful); err != nil {
		t.Errorf("a trust policy with conditions on the source: %v", err)
	}
	careful.SourceARN = "arn:aws:ecs:us-east-1:" + id + ":task/default/t1"
	if _, err := room.AssumeForTask(t.Context(), careful); err == nil {
		t.Error("a task of another region has the role")
	}

	for _, c := range []struct {
		name, role string
		trust      bool // it is the trust policy that refuses
	}{
		{"another service's", arn(id, "ec2"), true},
		{"not there", arn(id, "none"), false},
		{"another account's", arn(other, "theirs"), false},
		{"another path", arn(id, "p/task"), false},
		{"no ARN", "task", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := room.AssumeTaskRole(t.Context(), id, c.role, "s", time.Hour)
			want := "ECS was unable to assume the role '" + c.role + "' that was provided for this task. Please verify that the role being passed has the " +
				"proper trust relationship and permissions and that your IAM user has permissions to pass this role."
			if e, ok := errors.AsType[*iam.TaskRoleError](err); !ok || e.Error() != want || e.RoleARN != c.role {
				t.Errorf("got %v, want %s", err, want)
			}
			if _, ok := errors.AsType[*iam.TrustError](err); ok != c.trust {
				t.Errorf("the cause is %v", errors.Unwrap(err))
			}
		})
	}
}

func TestSessionsWriteNothing(t *testing.T) {
	room, st := openRoom(t, t.TempDir())
	id := account(t, room, map[string]string{"task": trustTasks})
	role := "arn:aws:iam::" + id + ":role/task"
	ids := map[string]bool{}
	var before int64
	for n := range 100 {
		s, err := room.AssumeTaskRole(t.Context(), id, role, "s", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			before = st.Snapshot().Revision() // the secret is made by now
		}
		if ids[s.AccessKeyID] || ids[s.Token] {
			t.Fatal("a key id or a token was given out twice")
		}
		ids[s.AccessKeyID], ids[s.Token] = true, true
	}
	if after := st.Snapshot().Revision(); after != before {
		t.Errorf("the store went from revision %d to %d", before, after)
	}
}

func TestTheSecretIsTheInstallations(t *testing.T) {
	dir := t.TempDir()
	room, st := openRoom(t, dir)
	id := account(t, room, map[string]string{"task": trustTasks})
	twin := iam.New(st, iam.Config{}) // as another server on the store
	sessions := make([]iam.Session, 8)
	var wg sync.WaitGroup
	for n := range sessions {
		wg.Go(func() {
			var err error
			if sessions[n], err = []*iam.Room{room, twin}[n%2].AssumeTaskRole(t.Context(), id, "arn:aws:iam::"+id+":role/task", "s", time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := openRoom(t, dir)
	foreign, _ := openRoom(t, t.TempDir())
	account(t, foreign, map[string]string{"task": trustTasks})
	for _, s := range sessions {
		if got, ok := again.Open(s.AccessKeyID, s.Token); !ok || got.Secret != s.SecretAccessKey {
			t.Error("a session did not outlive its server")
		}
		if _, ok := foreign.Open(s.AccessKeyID, s.Token); ok {
			t.Error("another installation takes the session")
		}
	}
}

func TestHolder(t *testing.T) {
	room, _ := openRoom(t, t.TempDir())
	id := account(t, room, map[string]string{"one": trustTasks, "two": trustTasks})
	s, err := room.AssumeTaskRole(t.Context(), id, "arn:aws:iam::"+id+":role/two", "s", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if role, key := room.Holder(s.AccessKeyID); role == nil || role.Name != "two" || key != nil {
		t.Errorf("holder is %v, %v", role, key)
	}
	for _, unknown := range []string{"", "ASIA", "ASIAAAAAAAAAAAAAAAAA", "AKIA" + s.AccessKeyID[4:], s.AccessKeyID + "A", "ASIA1111111111111111"} {
		if role, key := room.Holder(unknown); role != nil || key != nil {
			t.Errorf("%q is held by %v, %v", unknown, role, key)
		}
	}
}

// Of an attachment and a deletion at the same time one must see the other.
func TestNoAttachmentWithoutItsPolicy(t *testing.T) {
	room, st := openRoom(t, t.TempDir())
	id := account(t, room, map[string]string{"r": trustTasks})
	for range 20 {
		p, err := room.CreatePolicy(t.Context(), iam.NewPolicy{Account: id, Name: "p", Document: allowAll})
		if err != nil {
			t.Fatal(err)
		}
		var attached, deleted error
		var wg sync.WaitGroup
		wg.Go(func() { attached = room.AttachRolePolicy(t.Context(), id, "r", p.ARN()) })
		wg.Go(func() { deleted = room.DeletePolicy(t.Context(), id, p.ARN()) })
		wg.Wait()
		if (attached == nil) == (deleted == nil) {
			t.Fatalf("attached: %v, deleted: %v", attached, deleted)
		}
		if attached == nil {
			if err := errors.Join(room.DetachRolePolicy(t.Context(), id, "r", p.ARN()), room.DeletePolicy(t.Context(), id, p.ARN())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, ok := iam.Roles.Get(st.Snapshot(), store.Key(id, "global", "r")); !ok {
		t.Error("the role is gone")
	}
}

func TestManagedDocumentsAreRead(t *testing.T) {
	room, _ := openRoom(t, t.TempDir())
	id := account(t, room, nil)
	_, all := room.ListPolicies(id)
	if len(all) < 30 {
		t.Fatalf("%d policies of AWS", len(all))
	}
	for _, p := range all {
		v, ok := p.Version(p.Default)
		if !ok {
			t.Fatalf("%s has no default version", p.Name)
		}
		if _, err := room.CreatePolicy(t.Context(), iam.NewPolicy{Account: id, Name: p.Name, Document: v.Document}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func BenchmarkAssumeTaskRole(b *testing.B) {
	st, err := store.Open(b.Context(), store.Config{Dir: b.TempDir()}, iam.Tables()...)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	room := iam.New(st, iam.Config{})
	id := account(b, room, map[string]string{"task": trustTasks})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := room.AssumeTaskRole(b.Context(), id, "arn:aws:iam::"+id+":role/task", "0123456789abcdef0123456789abcdef", time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}
