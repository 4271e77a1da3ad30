//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestPlacement(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.register(t, "placed", s.web("web", "sleep", "3600"))
	machines := s.machines(t)
	var some machineOf
	for _, some = range machines {
		break
	}
	memberOf := func(expression string) []types.PlacementConstraint {
		return []types.PlacementConstraint{{Type: types.PlacementConstraintTypeMemberOf, Expression: &expression}}
	}
	tests := []struct {
		name        string
		strategy    []types.PlacementStrategy
		constraints []types.PlacementConstraint
		count       int32
		spread      []int // tasks on each instance used, the most first
		zone        string
		failure     string // reason, if any
	}{
		{name: "binpack", strategy: packed, count: 4, spread: []int{4}},
		{
			name: "spread over zones", count: 6, spread: []int{2, 2, 2},
			strategy: []types.PlacementStrategy{{Type: types.PlacementStrategyTypeSpread, Field: aws.String("attribute:ecs.availability-zone")}},
		},
		{
			name: "distinct instances", count: 4, spread: []int{1, 1, 1},
			constraints: []types.PlacementConstraint{{Type: types.PlacementConstraintTypeDistinctInstance}},
			failure:     "DistinctInstance placement constraint unsatisfied.",
		},
		{
			name: "zone", count: 3, spread: []int{3}, zone: some.zone,
			constraints: memberOf("attribute:ecs.availability-zone == " + some.zone),
		},
		{
			name: "instance type", count: 3, spread: []int{1, 1, 1},
			constraints: memberOf("attribute:ecs.instance-type =~ t3.* and agentConnected == true"),
			strategy:    []types.PlacementStrategy{{Type: types.PlacementStrategyTypeSpread, Field: aws.String("instanceId")}},
		},
		{
			name: "nowhere", count: 1, constraints: memberOf("attribute:ecs.instance-type == m5.large"),
			failure: "MemberOf placement constraint unsatisfied.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, failures := s.runAll(t, &ecs.RunTaskInput{
				TaskDefinition: &definition, Count: &tt.count, Group: aws.String("placement of " + tt.name),
				PlacementStrategy: tt.strategy, PlacementConstraints: tt.constraints,
			})
			used := map[string]int{}
			for _, task := range tasks {
				used[*task.ContainerInstanceArn]++
				if zone := machines[*task.ContainerInstanceArn].zone; tt.zone != "" && zone != tt.zone {
					t.Errorf("a task is in %s", zone)
				}
			}
			if got := sizes(used); !slices.Equal(got, tt.spread) {
				t.Errorf("tasks on each instance: %v, want %v", got, tt.spread)
			}
			if (len(failures) > 0) != (tt.failure != "") {
				t.Fatalf("failures %v", viewFailures(failures))
			}
			for _, f := range failures {
				if aws.ToString(f.Reason) != tt.failure {
					t.Errorf("failure %q, want %q", aws.ToString(f.Reason), tt.failure)
				}
			}
		})
	}
}

func TestTooBigATask(t *testing.T) {
	t.Parallel()
	s := shared
	for resource, change := range map[string]func(*types.ContainerDefinition){
		"RESOURCE:MEMORY": func(c *types.ContainerDefinition) { c.Memory = aws.Int32(100_000) },
		"RESOURCE:CPU":    func(c *types.ContainerDefinition) { c.Cpu = 100_000 },
	} {
		c := s.web("web")
		change(&c)
		definition := s.register(t, "big", c)
		tasks, failures := s.runAll(t, &ecs.RunTaskInput{TaskDefinition: &definition, Count: aws.Int32(3)})
		if len(tasks) != 0 || len(failures) != 3 {
			t.Fatalf("%d tasks, failures %v", len(tasks), viewFailures(failures))
		}
		for _, f := range failures {
			if aws.ToString(f.Reason) != resource {
				t.Errorf("failure %q, want %s", aws.ToString(f.Reason), resource)
			}
		}
	}
}

func TestBadPlacementExpression(t *testing.T) {
	t.Parallel()
	definition := shared.register(t, "badplace", shared.web("web"))
	_, err := shared.aws.ECS.RunTask(t.Context(), &ecs.RunTaskInput{
		TaskDefinition: &definition,
		PlacementConstraints: []types.PlacementConstraint{{
			Type: types.PlacementConstraintTypeMemberOf, Expression: aws.String("attribute: = ("),
		}},
	})
	if err == nil || !strings.Contains(err.Error(), "InvalidParameterException") {
		t.Errorf("got %v", err)
	}
}

// sizes are the values of a map, the largest first.
func sizes(m map[string]int) []int {
	return slices.SortedFunc(maps.Values(m), func(a, b int) int { return b - a })
}
