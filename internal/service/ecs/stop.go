package ecs

import "fmt"

// Stop codes (TaskStopCode of the API model). A task that ended with its
// instance has none.
const (
	StopCodeFailedToStart    = "TaskFailedToStart"
	StopCodeEssentialExited  = "EssentialContainerExited"
	StopCodeUser             = "UserInitiated"
	StopCodeServiceScheduler = "ServiceSchedulerInitiated"
	StopCodeSpot             = "SpotInterruption"
	StopCodeTermination      = "TerminationNotice"
)

// maxStopReason is the longest reason that is kept; agents send at most 1024
// characters, users are held to the same.
const maxStopReason = 1024

// The functions below are the only way to make a Stop, one for each way in
// which a task can end. docs/why-a-task-stops.md is their table for people, and
// a test holds the two together. Codes and texts are those of
// stopped-task-error-codes and stopped-task-errors in the ECS developer guide.

// StopEssentialExit says that an essential container ended, with whatever exit
// code.
func StopEssentialExit() Stop {
	return Stop{StopCodeEssentialExited, "Essential container in task exited"}
}

// StopFailedToStart says that the agent could not start the task, for the reason
// that it gave (CannotPullContainerError: …), or for none.
func StopFailedToStart(reason string) Stop {
	if reason == "" {
		reason = "Task failed to start"
	}
	return Stop{StopCodeFailedToStart, clip(reason, maxStopReason)}
}

// StopUnplaceable says that a task waited for capacity in PROVISIONING and found
// none; reason is what placement said, such as RESOURCE:CPU.
func StopUnplaceable(reason string) Stop {
	return Stop{StopCodeFailedToStart, "TaskFailedToStart: " + reason}
}

// StopNetworkTimeout says that the task's network interface was not ready in
// time.
func StopNetworkTimeout() Stop {
	return Stop{StopCodeFailedToStart, "Timeout waiting for network interface provisioning to complete."}
}

// StopByUser says that somebody called StopTask, with a reason or without.
func StopByUser(reason string) Stop {
	if reason == "" {
		reason = "Task stopped by user"
	}
	return Stop{StopCodeUser, clip(reason, maxStopReason)}
}

// StopByScaling says that the service scheduler ended the task, to scale in, to
// roll out another revision, to drain an instance or to delete the service;
// deployment is ecs-svc/N.
func StopByScaling(deployment string) Stop {
	return Stop{StopCodeServiceScheduler, fmt.Sprintf("Scaling activity initiated by (deployment %s)", deployment)}
}

// StopByTargetHealth says that the task failed the health checks of a target
// group.
func StopByTargetHealth(targetGroupARN string) Stop {
	return Stop{StopCodeServiceScheduler, fmt.Sprintf("Task failed ELB health checks in (target-group %s)", targetGroupARN)}
}

// StopByClassicHealth says that the task failed the health checks of a Classic
// Load Balancer.
func StopByClassicHealth(name string) Stop {
	return Stop{StopCodeServiceScheduler, fmt.Sprintf("Task failed ELB health checks in (elb %s)", name)}
}

// StopByContainerHealth says that a container's own health check failed and the
// service replaces the task.
func StopByContainerHealth() Stop {
	return Stop{StopCodeServiceScheduler, "Task failed container health checks"}
}

// StopByRebalancing says that a task in another zone took its place; deployment
// is ecs-svc/N.
func StopByRebalancing(deployment string) Stop {
	return Stop{StopCodeServiceScheduler, fmt.Sprintf("Availability-zone rebalancing initiated by (deployment %s)", deployment)}
}

// StopBySpotInterruption says that the Spot capacity under the task was taken
// away.
func StopBySpotInterruption() Stop {
	return Stop{StopCodeSpot, "Your Spot Task was interrupted."}
}

// StopByTerminationNotice says that the Spot capacity under the task will be
// taken away in two minutes.
func StopByTerminationNotice() Stop {
	return Stop{StopCodeTermination, "Your Spot Task was interrupted."}
}

// StopHostTerminated says that the machine under the task is gone for good.
func StopHostTerminated(ec2InstanceID string) Stop {
	return Stop{"", fmt.Sprintf("Host EC2 (instance %s) terminated.", ec2InstanceID)}
}

// StopHostStopped says that the machine under the task was stopped.
func StopHostStopped(ec2InstanceID string) Stop {
	return Stop{"", fmt.Sprintf("Host EC2 (instance %s) stopped.", ec2InstanceID)}
}

// StopByDeregistration says that the container instance was deregistered by
// force.
func StopByDeregistration() Stop {
	return Stop{"", "Container instance deregistration forced by user"}
}

// clip cuts s to at most n bytes without splitting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
