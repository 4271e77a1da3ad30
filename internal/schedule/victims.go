package schedule

import (
	"math/rand/v2"
	"time"
)

// Running is a task of a service that is to scale in.
type Running struct {
	ID        string
	Instance  string // container instance; empty for a Fargate task
	Zone      string // Availability Zone; if empty, that of the instance
	StartedAt time.Time
	Need      Need
	Pending   bool // has not reached RUNNING
	Protected bool // by task scale-in protection: never chosen
}

// Victims chooses n of a service's tasks to stop, fewer if not so many may be stopped, in the order of the choices.
// All tasks that are not stopping already belong in the list, protected ones too: balance is about what remains.
// instances answers nil for an id that it does not know.
//
// It reverses placement (developer guide, task-placement-strategies): a spread stops a task in the value that has
// most, a binpack one whose instance is then left with most of the resource; without a strategy, or with one that
// ValidateStrategy refuses, zones are balanced first and then instances. Tasks that are pending go before all others,
// so that no running one is lost without need; then those on instances that are not ACTIVE, which must go anyway.
// Chance from rng decides the rest; without rng the task that started last goes.
func Victims(tasks []Running, n int, strategy []Strategy, instances func(id string) *Instance, rng *rand.Rand) []string {
	levels, err := parseStrategies(strategy)
	if err != nil || len(strategy) == 0 {
		levels = defaultLevels(true)
	}
	h := newHolders(append([]level{{kind: byUrgency}}, levels...), rng)
	for i := range tasks {
		h.add(&tasks[i], instances)
	}
	h.arrange()
	victims := make([]string, 0, min(max(n, 0), len(tasks)))
	for len(victims) < n {
		task := h.next()
		if task == nil {
			break
		}
		victims = append(victims, task.ID)
	}
	return victims
}
