package agentproto

// Config is the part of Docker's container configuration that a payload may
// hold in DockerConfig.Config. Member names are Docker's.
type Config struct {
	Hostname    string            `json:"Hostname,omitempty"`
	User        string            `json:"User,omitempty"`
	WorkingDir  string            `json:"WorkingDir,omitempty"`
	Labels      map[string]string `json:"Labels,omitempty"`
	Tty         bool              `json:"Tty,omitempty"`
	OpenStdin   bool              `json:"OpenStdin,omitempty"`
	StopSignal  string            `json:"StopSignal,omitempty"`
	Healthcheck *Healthcheck      `json:"Healthcheck,omitempty"`
}

// Healthcheck is Docker's; durations are nanoseconds.
type Healthcheck struct {
	Test        []string `json:"Test,omitempty"`
	Interval    int64    `json:"Interval,omitempty"`
	Timeout     int64    `json:"Timeout,omitempty"`
	Retries     int      `json:"Retries,omitempty"`
	StartPeriod int64    `json:"StartPeriod,omitempty"`
}

// HostConfig is the part of Docker's host configuration that a payload may hold
// in DockerConfig.HostConfig. Member names are Docker's.
type HostConfig struct {
	NetworkMode       string            `json:"NetworkMode,omitempty"` // host or none
	PidMode           string            `json:"PidMode,omitempty"`     // host or container:<id>
	IpcMode           string            `json:"IpcMode,omitempty"`     // host, none or container:<id>
	CPUShares         int64             `json:"CpuShares,omitempty"`
	PidsLimit         int64             `json:"PidsLimit,omitempty"`
	Binds             []string          `json:"Binds,omitempty"`             // source:target[:ro]; replace the mount points
	MemoryReservation int64             `json:"MemoryReservation,omitempty"` // bytes
	Memory            int64             `json:"Memory,omitempty"`            // bytes
	MemorySwap        int64             `json:"MemorySwap,omitempty"`        // bytes
	MemorySwappiness  *int64            `json:"MemorySwappiness,omitempty"`
	Privileged        bool              `json:"Privileged,omitempty"`
	ReadonlyRootfs    bool              `json:"ReadonlyRootfs,omitempty"`
	CapAdd            []string          `json:"CapAdd,omitempty"`
	CapDrop           []string          `json:"CapDrop,omitempty"`
	DNS               []string          `json:"Dns,omitempty"`
	DNSSearch         []string          `json:"DnsSearch,omitempty"`
	ExtraHosts        []string          `json:"ExtraHosts,omitempty"` // host:address
	SecurityOpt       []string          `json:"SecurityOpt,omitempty"`
	Sysctls           map[string]string `json:"Sysctls,omitempty"`
	Tmpfs             map[string]string `json:"Tmpfs,omitempty"`   // path -> options
	ShmSize           int64             `json:"ShmSize,omitempty"` // bytes
	Init              *bool             `json:"Init,omitempty"`
	Ulimits           []Ulimit          `json:"Ulimits,omitempty"`
	Devices           []Device          `json:"Devices,omitempty"`
	LogConfig         LogConfig         `json:"LogConfig,omitzero"`
}

// Ulimit is a resource limit.
type Ulimit struct {
	Name string `json:"Name"`
	Soft int64  `json:"Soft"`
	Hard int64  `json:"Hard"`
}

// Device is a device of the instance shown to the container.
type Device struct {
	PathOnHost        string `json:"PathOnHost"`
	PathInContainer   string `json:"PathInContainer"`
	CgroupPermissions string `json:"CgroupPermissions"`
}

// LogConfig names the log driver and its options.
type LogConfig struct {
	Type   string            `json:"Type,omitempty"`
	Config map[string]string `json:"Config,omitempty"`
}
