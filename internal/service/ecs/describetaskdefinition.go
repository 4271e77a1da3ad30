package ecs

// DescribeTaskDefinition finds a revision in any status, or the latest ACTIVE
// one of a family.
func (r *Room) DescribeTaskDefinition(s Scope, ref string) (*TaskDefinition, error) {
	d, ok := findTaskDefinition(r.st.Snapshot(), s, ref)
	if !ok {
		return nil, ErrClient("Unable to describe task definition.")
	}
	return d, nil
}
