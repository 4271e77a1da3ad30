package hostile

import (
	"cmp"
	"context"
	"fmt"
)

// describe lists and describes everything that the account has in the region,
// through the API: what its owner can see.
func (c *caller) describe(ctx context.Context) (object, error) {
	d := &description{caller: c, ctx: ctx, all: object{}}
	for _, name := range []string{"ListClusters", "ListTaskDefinitionFamilies", "ListTaskDefinitions", "ListAccountSettings"} {
		d.ask("ecs:"+name, object{})
	}
	d.ask("ecs:ListTaskDefinitions", object{"status": "INACTIVE"})
	for _, arn := range append(d.list("ecs:ListTaskDefinitions", object{}, "taskDefinitionArns"),
		d.list("ecs:ListTaskDefinitions", object{"status": "INACTIVE"}, "taskDefinitionArns")...) {
		d.ask("ecs:DescribeTaskDefinition", object{"taskDefinition": arn, "include": []string{"TAGS"}})
	}
	for _, cluster := range d.list("ecs:ListClusters", object{}, "clusterArns") {
		d.cluster(cluster)
	}
	d.ask("ecr:DescribeRepositories", object{})
	for _, repository := range d.all["ecr:DescribeRepositories map[]"].(object)["repositories"].([]any) {
		d.ask("ecr:ListImages", object{"repositoryName": pick(repository, "repositoryName")})
		d.ask("ecr:ListTagsForResource", object{"resourceArn": pick(repository, "repositoryArn")})
	}
	return d.all, d.err
}

type description struct {
	*caller
	ctx context.Context // of one description
	all object
	err error // the first
}

func (d *description) ask(action string, in object) object {
	out, err := d.try(d.ctx, action, in)
	if err != nil {
		d.err = cmp.Or(d.err, fmt.Errorf("%s %v: %w", action, in, err))
		out = object{"repositories": []any{}}
	}
	d.all[fmt.Sprint(action, " ", in)] = out
	return out
}

// list follows the pages of a list.
func (d *description) list(action string, in object, member string) []string {
	var all []string
	for {
		out := d.ask(action, in)
		all = append(all, stringsOf(out, member)...)
		next, more := out["nextToken"]
		if !more {
			return all
		}
		page := object{"nextToken": next}
		for k, v := range in {
			page[k] = cmp.Or(page[k], v)
		}
		in = page
	}
}

func (d *description) cluster(cluster string) {
	d.ask("ecs:DescribeClusters", object{"clusters": []string{cluster}, "include": []string{"TAGS", "SETTINGS", "STATISTICS", "CONFIGURATIONS", "ATTACHMENTS"}})
	d.ask("ecs:ListAttributes", object{"cluster": cluster, "targetType": "container-instance"})
	d.batches(cluster, "ecs:DescribeContainerInstances", "containerInstances", 100, d.list("ecs:ListContainerInstances", object{"cluster": cluster}, "containerInstanceArns"))
	for _, status := range []string{"RUNNING", "STOPPED"} {
		d.batches(cluster, "ecs:DescribeTasks", "tasks", 100, d.list("ecs:ListTasks", object{"cluster": cluster, "desiredStatus": status}, "taskArns"))
	}
	services := d.list("ecs:ListServices", object{"cluster": cluster}, "serviceArns")
	d.batches(cluster, "ecs:DescribeServices", "services", 10, services)
	for _, service := range services {
		d.ask("ecs:ListServiceDeployments", object{"cluster": cluster, "service": service})
	}
}

func (d *description) batches(cluster, action, member string, size int, refs []string) {
	for len(refs) > 0 {
		n := min(size, len(refs))
		d.ask(action, object{"cluster": cluster, member: refs[:n], "include": []string{"TAGS"}})
		refs = refs[n:]
	}
}
