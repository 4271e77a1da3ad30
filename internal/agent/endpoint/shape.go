package endpoint

import "time"

// TaskMetadata is a task as the metadata endpoints of all versions tell it; what
// a version does not know is empty there.
type TaskMetadata struct {
	Cluster               string
	TaskARN               string
	Family                string
	Revision              string
	DesiredStatus         string `json:",omitempty"`
	KnownStatus           string
	Containers            []ContainerMetadata `json:",omitempty"`
	Limits                *TaskLimits         `json:",omitempty"`
	PullStartedAt         *time.Time          `json:",omitempty"`
	PullStoppedAt         *time.Time          `json:",omitempty"`
	ExecutionStoppedAt    *time.Time          `json:",omitempty"`
	AvailabilityZone      string              `json:",omitempty"`
	TaskTags              map[string]string   `json:",omitempty"`
	ContainerInstanceTags map[string]string   `json:",omitempty"`

	// Version 4 only.
	LaunchType            string     `json:",omitempty"`
	Errors                []TagError `json:",omitempty"`
	VPCID                 string     `json:",omitempty"`
	ServiceName           string     `json:",omitempty"`
	Group                 string     `json:",omitempty"`
	FaultInjectionEnabled *bool      `json:",omitempty"` // always said in version 4
	AvailabilityZoneID    string     `json:",omitempty"`
}

// TaskLimits are those of the whole task.
type TaskLimits struct {
	CPU    float64 `json:",omitempty"` // vCPUs
	Memory int64   `json:",omitempty"` // MiB
}

// TagError says why tags are missing.
type TagError struct {
	ErrorField   string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
	StatusCode   int    `json:",omitempty"`
	RequestID    string `json:"RequestId,omitempty"`
	ResourceARN  string `json:",omitempty"`
}

// ContainerMetadata is a container of a TaskMetadata.
type ContainerMetadata struct {
	DockerID      string `json:"DockerId"`
	Name          string
	DockerName    string
	Image         string
	ImageID       string
	Ports         []Binding         `json:",omitempty"`
	Labels        map[string]string `json:",omitempty"`
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int `json:",omitempty"`
	Limits        ContainerLimits
	CreatedAt     *time.Time `json:",omitempty"`
	StartedAt     *time.Time `json:",omitempty"`
	FinishedAt    *time.Time `json:",omitempty"`
	Type          string
	Networks      []Network `json:",omitempty"`
	Health        *Health   `json:",omitempty"`
	Volumes       []Volume  `json:",omitempty"`

	// Version 4 only.
	LogDriver    string            `json:",omitempty"`
	LogOptions   map[string]string `json:",omitempty"`
	ContainerARN string            `json:",omitempty"`
	RestartCount *int              `json:",omitempty"` // with a restart policy
}

// ContainerLimits are those of one container.
type ContainerLimits struct {
	CPU    float64 // shares
	Memory int64   // MiB
}

// Health is a health check's verdict; Status is empty before the first.
type Health struct {
	Status      string     `json:"status,omitempty"`
	StatusSince *time.Time `json:"statusSince,omitempty"`
	ExitCode    int        `json:"exitCode,omitempty"`
	Output      string     `json:"output,omitempty"`
}

// Binding is a published port.
type Binding struct {
	ContainerPort int    `json:",omitempty"`
	Protocol      string `json:",omitempty"`
	HostPort      int    `json:",omitempty"`
	HostIP        string `json:"HostIp,omitempty"` // version 4 only
}

// Network is how a container is connected; all but the first three members are of
// an awsvpc task in version 4.
type Network struct {
	NetworkMode              string   `json:",omitempty"`
	IPv4Addresses            []string `json:",omitempty"`
	IPv6Addresses            []string `json:",omitempty"`
	AttachmentIndex          *int     `json:",omitempty"`
	MACAddress               string   `json:",omitempty"`
	IPv4SubnetCIDRBlock      string   `json:",omitempty"`
	DomainNameServers        []string `json:",omitempty"`
	DomainNameSearchList     []string `json:",omitempty"`
	PrivateDNSName           string   `json:",omitempty"`
	SubnetGatewayIPv4Address string   `json:"SubnetGatewayIpv4Address,omitempty"`
}

// Volume is a mounted volume.
type Volume struct {
	DockerName  string `json:",omitempty"`
	Source      string `json:",omitempty"`
	Destination string `json:",omitempty"`
}
