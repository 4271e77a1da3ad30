package lifecycle

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
)

var now = time.Unix(1_800_000_000, 0)

// app and its sidecar db, on which app depends.
func pair(condition string) TaskSpec {
	return TaskSpec{Containers: []ContainerSpec{
		{Name: "db", Essential: false, StopTimeout: 30 * time.Second, StartTimeout: time.Minute},
		{Name: "app", Essential: true, StopTimeout: 30 * time.Second, DependsOn: []Dependency{{On: 0, Condition: condition}}},
	}}
}

func TestNext(t *testing.T) {
	ran := func(code int) Container {
		return Container{Status: Stopped, ExitCode: new(code), StartedAt: now.Add(-time.Minute), ExitedAt: now}
	}
	running := Container{Status: Running, StartedAt: now.Add(-10 * time.Second)}
	cases := map[string]struct {
		spec TaskSpec
		stop bool
		wait bool // not admitted
		seen []Container
		want string // kinds by container, "-" for none
	}{
		"everything waits for the instance's resources": {spec: pair("START"), wait: true, seen: []Container{{}, {}}, want: "- -"},
		"a dependant waits from the pull on":            {spec: pair("START"), seen: []Container{{}, {}}, want: "pull -"},
		"START is met by a running container":           {spec: pair("START"), seen: []Container{running, {}}, want: "- pull"},
		"START is met by one that has run":              {spec: pair("START"), seen: []Container{ran(1), {}}, want: "- pull"},
		"COMPLETE waits for the exit":                   {spec: pair("COMPLETE"), seen: []Container{running, {}}, want: "- -"},
		"COMPLETE takes any exit code":                  {spec: pair("COMPLETE"), seen: []Container{ran(9), {}}, want: "- pull"},
		"SUCCESS takes 0":                               {spec: pair("SUCCESS"), seen: []Container{ran(0), {}}, want: "- pull"},
		"SUCCESS refuses other codes":                   {spec: pair("SUCCESS"), seen: []Container{ran(9), {}}, want: "- finish"},
		"HEALTHY waits for the verdict":                 {spec: pair("HEALTHY"), seen: []Container{running, {}}, want: "- -"},
		"startTimeout ends the wait": {spec: pair("HEALTHY"), want: "- finish",
			seen: []Container{{Status: Running, StartedAt: now.Add(-time.Minute)}, {}}},
		"a dependency that never ran can't be met": {spec: pair("START"), seen: []Container{{Status: Stopped}, {}}, want: "- finish"},
		"dependencies are not looked at again":     {spec: pair("HEALTHY"), seen: []Container{running, {Status: Created}}, want: "- start"},
		"a task to stop before its pull never begins": {spec: pair("START"), stop: true,
			seen: []Container{{}, {}}, want: "finish finish"},
		"a pull under way is cut short": {spec: pair("START"), stop: true,
			seen: []Container{{Doing: Pull}, {}}, want: "cancel finish"},
		"the dependant goes first": {spec: pair("START"), stop: true, seen: []Container{running, running}, want: "- signal"},
		"then what it depends on":  {spec: pair("START"), stop: true, seen: []Container{running, ran(143)}, want: "signal -"},
		"an essential exit ends the task": {spec: pair("START"), want: "- finish",
			seen: []Container{running, {Status: Running, Down: true, ExitCode: new(0), StartedAt: now, ExitedAt: now}}},
		"another exit does not": {spec: pair("START"), want: "finish -",
			seen: []Container{{Status: Running, Down: true, ExitCode: new(1), StartedAt: now, ExitedAt: now}, running}},
		"the stop signal is given its time": {spec: pair("START"), stop: true, want: "- -",
			seen: []Container{running, {Status: Running, StopAttempts: 1, StopSentAt: now.Add(-29 * time.Second)}}},
		"SIGKILL after stopTimeout": {spec: pair("START"), stop: true, want: "- kill",
			seen: []Container{running, {Status: Running, StopAttempts: 1, StopSentAt: now.Add(-30 * time.Second)}}},
		"five attempts are enough": {spec: pair("START"), stop: true, want: "- finish",
			seen: []Container{running, {Status: Running, StopAttempts: 5, StopSentAt: now.Add(-time.Minute)}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := []string{"-", "-"}
			for _, a := range Next(c.spec, Observed{Now: now, Admitted: !c.wait, StopWanted: c.stop, Containers: c.seen}) {
				got[a.Container] = a.Kind.String()
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnmetDependencyIsReportedAsAgentDoes(t *testing.T) {
	obs := Observed{Now: now, Admitted: true, Containers: []Container{{Status: Stopped, ExitCode: new(1), StartedAt: now}, {}}}
	actions := Next(pair(agentproto.ConditionSuccess), obs)
	want := []Action{{
		Kind: Finish, Container: 1, ExitCode: new(143),
		Reason: "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [db] for target [app] as dependency did not exit successfully.",
	}}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Error(diff)
	}
}

func TestRestartPolicy(t *testing.T) {
	policy := &RestartPolicy{Ignored: []int{7}, Period: time.Minute}
	cases := map[string]struct {
		policy *RestartPolicy
		ran    time.Duration
		code   *int
		stop   bool
		want   Kind
	}{
		"long run":       {policy, time.Minute, new(1), false, Restart},
		"exit 0 as well": {policy, time.Minute, new(0), false, Restart},
		"short run":      {policy, 59 * time.Second, new(1), false, Finish},
		"ignored code":   {policy, time.Hour, new(7), false, Finish},
		"no policy":      {nil, time.Hour, new(1), false, Finish},
		"task stops":     {policy, time.Hour, new(1), true, Finish},
		"lost":           {policy, time.Hour, nil, false, Finish},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			spec := TaskSpec{Containers: []ContainerSpec{{Name: "a", Essential: true, Restart: c.policy}}}
			obs := Observed{Now: now, Admitted: true, StopWanted: c.stop, Containers: []Container{
				{Status: Running, Down: true, ExitCode: c.code, StartedAt: now.Add(-c.ran), ExitedAt: now},
			}}
			if got := Next(spec, obs)[0].Kind; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	obs := Observed{Now: now, StopWanted: true, Containers: []Container{
		{Status: Running, StartedAt: now.Add(-10 * time.Second)},
		{Status: Running, StopAttempts: 1, StopSentAt: now.Add(-10 * time.Second)},
	}}
	at, ok := Deadline(pair(agentproto.ConditionStart), obs)
	if !ok || !at.Equal(now.Add(20*time.Second)) {
		t.Errorf("stop: got %v %v, want 20 s from now", at.Sub(now), ok)
	}
	obs = Observed{Now: now, Admitted: true, Containers: []Container{{Status: Running, StartedAt: now.Add(-10 * time.Second)}, {}}}
	at, ok = Deadline(pair(agentproto.ConditionHealthy), obs)
	if !ok || !at.Equal(now.Add(50*time.Second)) {
		t.Errorf("start: got %v %v, want 50 s from now", at.Sub(now), ok)
	}
	if at, ok = Deadline(pair(agentproto.ConditionStart), obs); ok {
		t.Errorf("START has no deadline, got %v", at.Sub(now))
	}
}

func TestValidate(t *testing.T) {
	circle := pair(agentproto.ConditionStart)
	circle.Containers[0].DependsOn = []Dependency{{On: 1, Condition: agentproto.ConditionStart}}
	if err := circle.Validate(); !errors.Is(err, ErrCycle) {
		t.Errorf("circle: got %v", err)
	}
	missing := pair(agentproto.ConditionStart)
	missing.Containers[1].DependsOn[0].On = 2
	if err := missing.Validate(); err == nil {
		t.Error("a dependency that does not exist was accepted")
	}
	if err := pair(agentproto.ConditionStart).Validate(); err != nil {
		t.Error(err)
	}
}
