package session

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

// told is a task, what the agent was last told of it, and whether it said that it
// heard.
type told struct {
	record  *ecs.Task // as it is
	desired string    // "": it was told nothing
	message string    // id of the message
	at      time.Time
	acked   bool
}

// outbox remembers per task what was last sent. It is bounded by the tasks of
// one instance, whatever happens to them and however slow the agent is; a look
// costs what has changed and what is open, not what there is.
type outbox struct {
	tasks    map[string]*told  // by task key
	messages map[string]string // message id -> task key, of what is not acknowledged
	open     map[string]*told  // those of tasks of which the agent is to hear, or to say that it heard
	resend   time.Duration     // after which what is not acknowledged is sent again
}

func newOutbox(resend time.Duration) *outbox {
	return &outbox{tasks: map[string]*told{}, messages: map[string]string{}, open: map[string]*told{}, resend: resend}
}

// due takes what has changed since the last look, records before and after, and
// picks the tasks that the agent has to be told of now: those that are new to it,
// those that are to stop and it was not told so, and those whose message was not
// acknowledged for long. Stops come first, and the older task before the newer. What is
// STOPPED is not among the tasks any more, which also ends the sending of a task that
// the agent cannot read: it never acknowledges that, and reports it STOPPED.
func (o *outbox) due(changes iter.Seq2[*ecs.Task, *ecs.Task], now time.Time) []*ecs.Task {
	for before, after := range changes {
		if after == nil {
			o.forget(before.Key())
			continue
		}
		key := after.Key()
		t := o.tasks[key]
		if t == nil {
			t = &told{}
			o.tasks[key] = t
		}
		t.record = after
		if after.DesiredStatus != t.desired {
			o.open[key] = t
		}
	}
	var due []*ecs.Task
	for _, t := range o.open {
		if o.isDue(t, now) {
			due = append(due, t.record)
		}
	}
	slices.SortFunc(due, func(x, y *ecs.Task) int {
		if stop := x.DesiredStatus == ecs.TaskStopped; stop != (y.DesiredStatus == ecs.TaskStopped) {
			if stop {
				return -1
			}
			return 1
		}
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	return due
}

func (o *outbox) isDue(t *told, now time.Time) bool {
	// A task that is being prepared is not the agent's yet, and one that is being
	// taken out of service is to go on until that is done.
	if t.record.LastStatus == ecs.TaskProvisioning || t.record.LastStatus == ecs.TaskDeactivating {
		return false
	}
	return t.desired != t.record.DesiredStatus || !t.acked && now.Sub(t.at) >= o.resend
}

// forget drops a task that is the instance's no more.
func (o *outbox) forget(key string) {
	if t := o.tasks[key]; t != nil {
		delete(o.messages, t.message)
		delete(o.open, key)
		delete(o.tasks, key)
	}
}

// sent notes a message about a task. One that could not be made is not noted, and
// so is due again at the next look.
func (o *outbox) sent(t *ecs.Task, message string, now time.Time) {
	key := t.Key()
	said := o.tasks[key]
	delete(o.messages, said.message)
	said.desired, said.message, said.at, said.acked = t.DesiredStatus, message, now, false
	o.messages[message] = key
}

// acked notes that the agent has accepted a message.
func (o *outbox) acked(message string) {
	key, ok := o.messages[message]
	if !ok {
		return
	}
	delete(o.messages, message)
	t := o.tasks[key]
	t.acked = true
	if t.desired == t.record.DesiredStatus {
		delete(o.open, key)
	}
}
