package ecs

import "github.com/slipway/slipway/internal/service/ecs/ecsshape"

// checkServed refuses to run, in plain words, what a definition asks of services
// that are not here: a task that waits for credentials or secrets which nobody
// sends would stay PENDING for ever. What only the agent must be able to do (a log
// driver, health checks) is not its business: placement looks at the agent's
// attributes.
func checkServed(d *ecsshape.TaskDefinition, overrides *ecsshape.TaskOverride) error {
	role := given(d.TaskRoleArn)
	if overrides != nil && given(overrides.TaskRoleArn) != "" {
		role = *overrides.TaskRoleArn
	}
	if role != "" {
		return errUnserved("credentials of task roles (taskRoleArn)")
	}
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if v.EfsVolumeConfiguration != nil || v.FsxWindowsFileServerVolumeConfiguration != nil {
			return errUnserved("Amazon EFS and FSx volumes")
		}
	}
	for i := range d.ContainerDefinitions {
		if err := checkContainerServed(&d.ContainerDefinitions[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkContainerServed(c *ecsshape.ContainerDefinition) error {
	switch {
	case len(c.Secrets) > 0, c.LogConfiguration != nil && len(c.LogConfiguration.SecretOptions) > 0:
		return errUnserved("secrets of Secrets Manager and Parameter Store")
	case len(c.EnvironmentFiles) > 0:
		return errUnserved("environment files of Amazon S3")
	case c.RepositoryCredentials != nil:
		return errUnserved("repository credentials of Secrets Manager")
	case c.FirelensConfiguration != nil:
		return errUnserved("FireLens")
	}
	return nil
}

func errUnserved(what string) error {
	return ErrClient("This Slipway does not serve %s, which the task definition needs.", what)
}
