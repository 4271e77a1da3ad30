package ecs

import "strings"

// Caller is who asked for a change.
type Caller struct {
	ARN string
}

// Instance is the EC2 instance id that the caller's session is named after, or
// "" when the caller is no instance: the credentials of an instance's role end
// in /i-0123….
func (c Caller) Instance() string {
	name := c.ARN[strings.LastIndexByte(c.ARN, '/')+1:]
	if strings.HasPrefix(name, "i-") {
		return name
	}
	return ""
}

// MaySpeakFor tells whether the caller may act as the agent of the instance: one
// instance's credentials are not good for another one.
func (c Caller) MaySpeakFor(inst *ContainerInstance) bool {
	as := c.Instance()
	return as == "" || inst.EC2InstanceID == "" || as == inst.EC2InstanceID
}
