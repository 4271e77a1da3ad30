package ecs

import (
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// The options of a FireLens router that say where its own configuration is.
const (
	firelensConfigType  = "config-file-type"
	firelensConfigValue = "config-file-value"
)

// checkLogConfiguration: awslogs needs a group and a region (using_awslogs).
func checkLogConfiguration(c *ecsshape.ContainerDefinition) error {
	l := c.LogConfiguration
	if l == nil || given(l.LogDriver) != ecsshape.LogDriverAwslogs {
		return nil
	}
	var missing []string
	for _, option := range []string{"awslogs-region", "awslogs-group"} {
		if l.Options[option] == "" {
			missing = append(missing, option)
		}
	}
	if len(missing) > 0 {
		return ErrClient("Log driver awslogs requires options: %s", strings.Join(missing, ", "))
	}
	return nil
}

// checkFirelens: a router without anybody who writes to it is refused, and the
// other way round (using_firelens).
func checkFirelens(d *ecsshape.TaskDefinition) error {
	var routers, writers int
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if l := c.LogConfiguration; l != nil && given(l.LogDriver) == ecsshape.LogDriverAwsfirelens {
			writers++
		}
		f := c.FirelensConfiguration
		if f == nil {
			continue
		}
		routers++
		if err := checkFirelensOptions(c, f); err != nil {
			return err
		}
	}
	switch {
	case writers > 0 && routers == 0:
		return ErrClient("When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers.")
	case routers > 0 && writers == 0:
		return ErrClient("When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver.")
	case routers > 1:
		return ErrClient("A task definition can have only one container with a firelensConfiguration object.")
	}
	return nil
}

// checkFirelensOptions: the configuration is an object of Amazon S3 by its ARN,
// or a file of the image.
func checkFirelensOptions(c *ecsshape.ContainerDefinition, f *ecsshape.FirelensConfiguration) error {
	kind, where := f.Options[firelensConfigType], f.Options[firelensConfigValue]
	if kind == "" && where == "" {
		return nil
	}
	if !slices.Contains([]string{"s3", "file"}, kind) || where == "" {
		return ErrClient("The firelensConfiguration of container '%s' needs %s s3 or file, and %s.", *c.Name, firelensConfigType, firelensConfigValue)
	}
	if kind == "s3" {
		return checkS3Object(where)
	}
	return nil
}

// checkS3Object refuses what is not the ARN of an object in Amazon S3.
func checkS3Object(ref string) error {
	a, err := arn.Parse(ref)
	if bucket, key, ok := strings.Cut(a.Resource, "/"); err != nil || a.Service != "s3" || !ok || bucket == "" || key == "" {
		return ErrClient("Invalid arn syntax.")
	}
	return nil
}
