package ecs

import "context"

// maxDescribeTasks is how many tasks one DescribeTasks may name.
const maxDescribeTasks = 100

// DescribeTasks finds tasks by id or ARN. Unknown ones are failures.
func (r *Room) DescribeTasks(_ context.Context, s Scope, cluster string, refs []string) ([]*Task, []Failure, error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, s, cluster)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(refs) == 0:
		return nil, nil, ErrInvalidParameter("Tasks cannot be empty.")
	case len(refs) > maxDescribeTasks:
		return nil, nil, ErrInvalidParameter("Tasks cannot have more than %d elements.", maxDescribeTasks)
	}
	found, err := findTasks(snap, s, c.Name, refs)
	if err != nil {
		return nil, nil, err
	}
	tasks, failures := []*Task{}, []Failure{}
	for _, f := range found {
		if f.task == nil {
			failures = append(failures, Failure{ARN: f.arn, Reason: "MISSING"})
			continue
		}
		tasks = append(tasks, f.task)
	}
	return tasks, failures, nil
}
