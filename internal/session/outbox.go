package session

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

// told is what an agent was last told of a task, and whether it said that it
// heard.
type told struct {
	record  *ecs.Task // as it was last met
	desired string
	message string // id of the message
	at      time.Time
	acked   bool
	round   uint64 // of the last look that met the task
}

// outbox remembers per task what was last sent. It is bounded by the tasks of
// one instance, whatever happens to them and however slow the agent is.
type outbox struct {
	tasks    map[string]*told  // by task key
	messages map[string]string // message id -> task key, of what is not acknowledged
	// records finds what has not changed since the last look, which is nearly
	// all, without its key: to make that is most of the work.
	records map[*ecs.Task]*told
	round   uint64
	resend  time.Duration // after which what is not acknowledged is sent again
}

func newOutbox(resend time.Duration) *outbox {
	return &outbox{tasks: map[string]*told{}, messages: map[string]string{}, records: map[*ecs.Task]*told{}, resend: resend}
}

// due picks the tasks that the agent has to be told of now: those that are new
// to it, those that are to stop and it was not told so, and those whose message
// was not acknowledged for long. Stops come first. What is STOPPED is not among
// the tasks any more, which also ends the sending of a task that the agent
// cannot read: it never acknowledges that, and reports it STOPPED.
func (o *outbox) due(tasks func(func(*ecs.Task) bool), now time.Time) []*ecs.Task {
	o.round++
	var stops, starts []*ecs.Task
	for t := range tasks {
		before := o.known(t)
		if before != nil {
			before.round = o.round
		}
		if !o.isDue(before, t, now) {
			continue
		}
		if t.DesiredStatus == ecs.TaskStopped {
			stops = append(stops, t)
		} else {
			starts = append(starts, t)
		}
	}
	o.forget()
	return append(stops, starts...)
}

// known is what the agent was told of a task, nil if nothing.
func (o *outbox) known(t *ecs.Task) *told {
	if same, ok := o.records[t]; ok {
		return same
	}
	before := o.tasks[t.Key()]
	if before != nil {
		delete(o.records, before.record)
		before.record = t
		o.records[t] = before
	}
	return before
}

func (o *outbox) isDue(before *told, t *ecs.Task, now time.Time) bool {
	// A task that is being prepared is not the agent's yet, and one that is being
	// taken out of service is to go on until that is done.
	if t.LastStatus == ecs.TaskProvisioning || t.LastStatus == ecs.TaskDeactivating {
		return false
	}
	if before == nil || before.desired != t.DesiredStatus {
		return true
	}
	return !before.acked && now.Sub(before.at) >= o.resend
}

// forget drops the tasks that the last look did not meet.
func (o *outbox) forget() {
	for key, t := range o.tasks {
		if t.round != o.round {
			delete(o.messages, t.message)
			delete(o.records, t.record)
			delete(o.tasks, key)
		}
	}
}

// sent notes a message about a task.
func (o *outbox) sent(t *ecs.Task, message string, now time.Time) {
	key := t.Key()
	if before := o.tasks[key]; before != nil {
		delete(o.messages, before.message)
		delete(o.records, before.record)
	}
	said := &told{record: t, desired: t.DesiredStatus, message: message, at: now, round: o.round}
	o.tasks[key], o.records[t] = said, said
	o.messages[message] = key
}

// acked notes that the agent has accepted a message.
func (o *outbox) acked(message string) {
	key, ok := o.messages[message]
	if !ok {
		return
	}
	delete(o.messages, message)
	o.tasks[key].acked = true
}
