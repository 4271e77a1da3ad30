// Package health checks running containers by commands that run inside them.
//
// It owns the rules of a container health check (they are Docker's, which the
// ECS agent leaves them to) and the loop that runs the commands. It promises
// that verdicts follow from the commands' exit codes alone, that a command that
// hangs or floods its output costs no more than one that doesn't, and that no
// more than a bounded number of commands run at once on the instance. What a
// verdict means for a task is not its business.
package health
