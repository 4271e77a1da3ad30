package ecs

// DiedInService tells whether the task was a service's and ended by itself, not
// by anybody's decision: the service's scheduler then counts it.
func (t *Task) DiedInService() bool {
	if !t.Ended() || t.Service == "" || t.Stop == nil {
		return false
	}
	return t.Stop.Code == StopCodeFailedToStart || t.Stop.Code == StopCodeEssentialExited
}
