package rollout

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs"
)

// The texts of service events (service-event-messages-list, and as production
// writes them). All begin with the service.
const (
	textSteady      = " has reached a steady state."
	textCompleted   = " (deployment %s) deployment completed."
	textFailed      = " (deployment %s) deployment failed: %s"
	textRollingBack = " rolling back to deployment %s."
	textIll         = " %s failed container health checks."
	textStopped     = " has stopped %d running tasks: %s."
	textUnstarted   = " stopped %d pending tasks."
	textStarted     = " has started %d tasks: %s."
	textReplaced    = " Amazon ECS replaced %d tasks due to an unhealthy status."
	textImpaired    = " is unable to consistently start tasks successfully. For more information, see the Troubleshooting section."
	textStuck       = " was unable to stop or start tasks during a deployment because of the service deployment configuration. " +
		"Update the minimumHealthyPercent or maximumPercent value and try again."
	textUnplaced  = " was unable to place a task because no container instance met all of its requirements."
	textSeeAlso   = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	textProtected = " was unable to reach steady state because (taskSet %s) was unable to scale in due to (reason %d tasks under protection)"
)

// quiet is how long a message is not repeated while its cause is there
// (service-event-messages).
const quiet = 6 * time.Hour

// tasksPerEvent bounds how many tasks one event names, so that no event of a large
// service is a page long and none is left out.
const tasksPerEvent = 100

// event is a message on its way into the plan.
type event struct {
	message string
	once    bool // not while it has been said and nothing has changed
	steady  bool // not while it was the last thing said
}

// say adds an event and returns its place.
func (d *decision) say(format string, args ...any) int {
	d.said = append(d.said, event{message: Message(d.Service, format, args...)})
	return len(d.said) - 1
}

func (d *decision) once(i int)   { d.said[i].once = true }
func (d *decision) steady(i int) { d.said[i].steady = true }

// Message is the text of a service event.
func Message(s *ecs.Service, format string, args ...any) string {
	return "(service " + s.Name + ")" + fmt.Sprintf(format, args...)
}

// fresh are the events that are worth saying.
func (d *decision) fresh() []string {
	var messages []string
	for _, e := range d.said {
		// The steady state is news after any other.
		if !e.once && !e.steady || e.steady && len(messages) > 0 {
			messages = append(messages, e.message)
			continue
		}
		if wait := Suppressed(d.Events(), e.message, e.steady, d.Now); wait > 0 {
			if e.steady {
				d.wake(wait)
			}
			continue
		}
		messages = append(messages, e.message)
	}
	return messages
}

// Suppressed tells for how long a message is not to be repeated, given the events
// so far, the newest first. The steady state is news after anything else; a
// complaint is, after a steady state, or when something was started since.
func Suppressed(events []*ecs.ServiceEvent, message string, steady bool, now time.Time) time.Duration {
	for _, e := range events {
		if plain(e.Message) == plain(message) {
			return max(0, quiet-now.Sub(e.At))
		}
		if steady || strings.HasSuffix(e.Message, textSteady) || strings.Contains(e.Message, ") has started ") {
			return 0
		}
	}
	return 0
}

// NotLaunched is the event of tasks that cannot be started, whatever capacity
// there is (service-event-messages).
func NotLaunched(s *ecs.Service, reason string) string {
	return Message(s, " failed to launch a task with (error %s).", reason)
}

var closest = regexp.MustCompile(`\(container-instance [^)]*\)`)

// plain leaves out of a message what changes although its cause does not.
func plain(message string) string { return closest.ReplaceAllString(message, "") }

// stopEvents tell of the tasks that are stopped.
func (d *decision) stopEvents() []string {
	var running []*ecs.Task
	unstarted := 0
	for _, s := range d.plan.Stops {
		if pending(s.Task) {
			unstarted++
		} else {
			running = append(running, s.Task)
		}
	}
	messages := namingTasks(d.Service, textStopped, running)
	if unstarted > 0 {
		messages = append(messages, Message(d.Service, textUnstarted, unstarted))
	}
	return messages
}

// Started are the events for tasks that were started, some of them in the place of
// unhealthy ones.
func Started(s *ecs.Service, tasks []*ecs.Task, replacing int) []string {
	messages := namingTasks(s, textStarted, tasks)
	if n := min(replacing, len(tasks)); n > 0 {
		messages[len(messages)-1] += fmt.Sprintf(textReplaced, n)
	}
	return messages
}

func namingTasks(s *ecs.Service, format string, tasks []*ecs.Task) []string {
	var messages []string
	for len(tasks) > 0 {
		n := min(len(tasks), tasksPerEvent)
		marks := make([]string, n)
		for i, t := range tasks[:n] {
			marks[i] = taskMark(t)
		}
		messages = append(messages, Message(s, format, n, strings.Join(marks, " ")))
		tasks = tasks[n:]
	}
	return messages
}

func taskMark(t *ecs.Task) string { return "(task " + t.ID + ")" }

// Unplaced is the event for a placement that failed. The refusals are as
// schedule.Place gives them, the instance that came closest first; none means
// that there is no instance.
func Unplaced(s *ecs.Service, refusals []schedule.Refusal) string {
	reason := " Reason: No Container Instances were found in your cluster."
	if len(refusals) > 0 {
		reason = fmt.Sprintf(" The closest matching (container-instance %s) %s", refusals[0].Instance, schedule.Explain(refusals[0]))
	}
	return Message(s, "%s%s%s", textUnplaced, reason, textSeeAlso)
}
