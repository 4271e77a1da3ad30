package ecs

import "github.com/slipway/slipway/internal/service/ecs/ecsshape"

// checkServed refuses to run, in plain words, what a definition asks of services
// that are not here. What only the agent must be able to do (a log driver, a
// stand-in for Amazon EFS) is not its business: placement looks at the agent's
// attributes.
func checkServed(d *ecsshape.TaskDefinition) error {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		switch {
		case v.FsxWindowsFileServerVolumeConfiguration != nil:
			return errUnserved("Amazon FSx volumes")
		case v.S3filesVolumeConfiguration != nil:
			return errUnserved("Amazon S3 file systems")
		}
	}
	return nil
}

func errUnserved(what string) error {
	return ErrClient("This Slipway does not serve %s, which the task definition needs.", what)
}
