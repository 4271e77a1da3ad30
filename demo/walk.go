package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway/slipway/test/harness"
	"github.com/slipway/slipway/test/image"
)

const region = "us-east-1"

// demo is one walkthrough.
type demo struct {
	web     string
	out     io.Writer
	slipway *harness.Slipway
	aws     harness.Clients
	image   string
	step    int
}

// say announces a step and the command that does the same by hand.
func (d *demo) say(title, command string) {
	d.step++
	fmt.Fprintf(d.out, "\n%2d. %s\n    $ %s\n", d.step, title, command)
}

// tell reports what was seen.
func (d *demo) tell(format string, args ...any) {
	fmt.Fprintf(d.out, "    "+format+"\n", args...)
}

// walk is the walkthrough, a step after the other.
func (d *demo) walk(ctx context.Context, keep bool) error {
	steps := []func(context.Context) error{
		d.pushImage, d.showInstances, d.register, d.oneOff, d.createService, d.killContainer, d.rollOut,
		d.scale(5), d.scale(1), d.deleteAll,
	}
	if keep {
		steps = steps[:len(steps)-2]
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) pushImage(ctx context.Context) error {
	d.say("Building an image of a small web server in Go and pushing it to Slipway's registry",
		"aws ecr create-repository --repository-name web; docker push …/web:1")
	img, err := image.FromBinary(d.web)
	if err != nil {
		return err
	}
	d.image, err = harness.PushImage(ctx, d.aws, "web", "1", img)
	if err != nil {
		return err
	}
	d.tell("pushed %s", d.image)
	return nil
}

func (d *demo) showInstances(ctx context.Context) error {
	d.say("The cluster: container instances in three Availability Zones",
		"aws ecs describe-container-instances --container-instances $(aws ecs list-container-instances …)")
	instances, err := d.instances(ctx)
	if err != nil {
		return err
	}
	for _, i := range instances {
		d.tell("%s  %-10s  %s  %s", i.id, i.zone, i.address, i.kind)
	}
	if len(instances) != 3 {
		return fmt.Errorf("the cluster has %d instances, not 3", len(instances))
	}
	return nil
}

func (d *demo) register(ctx context.Context) error {
	d.say("Registering a task definition", "aws ecs register-task-definition --cli-input-json file://web.json")
	arn, err := d.registerVersion(ctx, "1")
	if err != nil {
		return err
	}
	d.tell("%s", arn)
	return nil
}

func (d *demo) registerVersion(ctx context.Context, version string) (string, error) {
	out, err := d.aws.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("web"), Image: &d.image, Cpu: 64, Memory: aws.Int32(64), Essential: aws.Bool(true),
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(0)}},
			Environment:  []types.KeyValuePair{{Name: aws.String("VERSION"), Value: &version}},
		}},
	})
	if err != nil {
		return "", err
	}
	return *out.TaskDefinition.TaskDefinitionArn, nil
}

func (d *demo) oneOff(ctx context.Context) error {
	d.say("Running a one-off task to its exit code",
		`aws ecs run-task --task-definition web --overrides '{"containerOverrides":[{"name":"web","command":["exit","42"]}]}'`)
	out, err := d.aws.ECS.RunTask(ctx, &ecs.RunTaskInput{
		TaskDefinition: aws.String("web"),
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{
			{Name: aws.String("web"), Command: []string{"exit", "42"}},
		}},
	})
	if err != nil {
		return err
	}
	if len(out.Tasks) != 1 {
		return fmt.Errorf("run-task started nothing: %+v", out.Failures)
	}
	task, err := d.await(ctx, *out.Tasks[0].TaskArn, "STOPPED")
	if err != nil {
		return err
	}
	c := task.Containers[0]
	if c.ExitCode == nil || *c.ExitCode != 42 {
		return fmt.Errorf("the task did not end with 42: %s, %s", aws.ToString(task.StoppedReason), aws.ToString(c.Reason))
	}
	d.tell("exit code 42, %s: %s", task.StopCode, aws.ToString(task.StoppedReason))
	return nil
}

func (d *demo) createService(ctx context.Context) error {
	d.say("Creating a service of 3 replicas with dynamic host ports, spread over the zones",
		"aws ecs create-service --service-name web --task-definition web --desired-count 3")
	begin := time.Now()
	_, err := d.aws.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(3),
		DeploymentConfiguration: &types.DeploymentConfiguration{
			MinimumHealthyPercent: aws.Int32(100), MaximumPercent: aws.Int32(200),
		},
	})
	if err != nil {
		return err
	}
	if err := d.stable(ctx, 3); err != nil {
		return err
	}
	d.tell("stable after %.1f s", time.Since(begin).Seconds())
	replicas, err := d.replicas(ctx)
	if err != nil {
		return err
	}
	zones := map[string]bool{}
	for _, r := range replicas {
		body, err := get(ctx, r.address)
		if err != nil {
			return err
		}
		zones[r.zone] = true
		d.tell("%s  %-10s  http://%s  ->  %s", r.task, r.zone, r.address, strings.TrimSpace(body))
	}
	if len(zones) != 3 {
		return fmt.Errorf("the replicas are in %d zones, not 3", len(zones))
	}
	return nil
}

func (d *demo) killContainer(ctx context.Context) error {
	d.say("Killing a container from outside: the service replaces the task", "kill -9 <the container's process>")
	replicas, err := d.replicas(ctx)
	if err != nil {
		return err
	}
	victim := replicas[0]
	if err := killContainer(victim.runtimeID); err != nil {
		return err
	}
	begin := time.Now()
	stopped, err := d.await(ctx, victim.task, "STOPPED")
	if err != nil {
		return err
	}
	d.tell("%s stopped with exit code %d: %s", victim.task, aws.ToInt32(stopped.Containers[0].ExitCode), aws.ToString(stopped.StoppedReason))
	if err := d.stable(ctx, 3); err != nil {
		return err
	}
	d.tell("three replicas again after %.1f s", time.Since(begin).Seconds())
	return nil
}

func (d *demo) rollOut(ctx context.Context) error {
	d.say("Rolling out revision 2, watching that three replicas answer all the time",
		"aws ecs update-service --service web --task-definition web:2")
	if _, err := d.registerVersion(ctx, "2"); err != nil {
		return err
	}
	watch := d.watch(ctx)
	_, err := d.aws.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{Service: aws.String("web"), TaskDefinition: aws.String("web:2")})
	if err == nil {
		err = d.stable(ctx, 3)
	}
	fewest, looks, watchErr := watch()
	if err := errors.Join(err, watchErr); err != nil {
		return err
	}
	d.tell("of %d looks none saw fewer than %d running replicas (minimum healthy percent 100: 3)", looks, fewest)
	if fewest < 3 {
		return fmt.Errorf("the service fell to %d running replicas", fewest)
	}
	replicas, err := d.replicas(ctx)
	if err != nil {
		return err
	}
	for _, r := range replicas {
		body, err := get(ctx, r.address)
		if err != nil {
			return err
		}
		if !strings.Contains(body, "version 2") {
			return fmt.Errorf("%s still answers %q", r.address, body)
		}
	}
	d.tell("every replica answers with version 2")
	return nil
}

func (d *demo) scale(n int32) func(context.Context) error {
	return func(ctx context.Context) error {
		d.say(fmt.Sprintf("Scaling to %d", n), fmt.Sprintf("aws ecs update-service --service web --desired-count %d", n))
		_, err := d.aws.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{Service: aws.String("web"), DesiredCount: &n})
		if err != nil {
			return err
		}
		if err := d.stable(ctx, n); err != nil {
			return err
		}
		d.tell("%d running", n)
		return nil
	}
}

func (d *demo) deleteAll(ctx context.Context) error {
	d.say("Deleting everything", "aws ecs delete-service --service web --force; aws ecs wait services-inactive --services web; …")
	_, err := d.aws.ECS.DeleteService(ctx, &ecs.DeleteServiceInput{Service: aws.String("web"), Force: aws.Bool(true)})
	if err != nil {
		return err
	}
	if err := d.inactive(ctx); err != nil {
		return err
	}
	for _, revision := range []string{"web:1", "web:2"} {
		_, err := d.aws.ECS.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &revision})
		if err != nil {
			return err
		}
	}
	d.tell("service INACTIVE, task definitions deregistered")
	return nil
}
