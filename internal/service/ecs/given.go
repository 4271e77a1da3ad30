package ecs

// given is what p points at, or the zero value where a member is absent.
func given[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
