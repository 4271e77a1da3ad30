package agentproto

// MetricsMetadata heads the telemetry messages.
type MetricsMetadata struct {
	Cluster           string `json:"cluster"`
	ContainerInstance string `json:"containerInstance"`
	MessageID         string `json:"messageId,omitempty"`
	RequestID         string `json:"requestId,omitempty"`
	Idle              bool   `json:"idle,omitempty"`
	Fin               bool   `json:"fin,omitempty"`
}

// PublishMetrics carries about 20 s of samples, at most 10 tasks a message.
type PublishMetrics struct {
	Metadata    MetricsMetadata `json:"metadata"`
	TaskMetrics []TaskMetric    `json:"taskMetrics"`
	Timestamp   float64         `json:"timestamp"` // seconds since the epoch
}

// TaskMetric is the utilisation of one task.
type TaskMetric struct {
	TaskARN               string            `json:"taskArn"`
	ClusterARN            string            `json:"clusterArn,omitempty"`
	TaskDefinitionFamily  string            `json:"taskDefinitionFamily"`
	TaskDefinitionVersion string            `json:"taskDefinitionVersion"`
	ContainerMetrics      []ContainerMetric `json:"containerMetrics"`
}

// ContainerMetric is the utilisation of one container.
type ContainerMetric struct {
	ContainerName   string      `json:"containerName"`
	ContainerARN    string      `json:"containerArn,omitempty"`
	CPUStatsSet     *StatsSet   `json:"cpuStatsSet,omitempty"`    // per cent of all cores
	MemoryStatsSet  *StatsSet   `json:"memoryStatsSet,omitempty"` // MiB
	RestartStatsSet *RestartSet `json:"restartStatsSet,omitempty"`
	StorageStatsSet *StorageSet `json:"storageStatsSet,omitempty"`
	NetworkStatsSet *NetworkSet `json:"networkStatsSet,omitempty"`
}

// StorageSet samples what a container has moved to and from disks.
type StorageSet struct {
	ReadSizeBytes  *CounterSet `json:"readSizeBytes,omitempty"`
	WriteSizeBytes *CounterSet `json:"writeSizeBytes,omitempty"`
}

// NetworkSet samples what a container's interfaces have moved.
type NetworkSet struct {
	RxBytes          *CounterSet `json:"rxBytes,omitempty"`
	RxPackets        *CounterSet `json:"rxPackets,omitempty"`
	RxErrors         *CounterSet `json:"rxErrors,omitempty"`
	RxDropped        *CounterSet `json:"rxDropped,omitempty"`
	TxBytes          *CounterSet `json:"txBytes,omitempty"`
	TxPackets        *CounterSet `json:"txPackets,omitempty"`
	TxErrors         *CounterSet `json:"txErrors,omitempty"`
	TxDropped        *CounterSet `json:"txDropped,omitempty"`
	RxBytesPerSecond *StatsSet   `json:"rxBytesPerSecond,omitempty"`
	TxBytesPerSecond *StatsSet   `json:"txBytesPerSecond,omitempty"`
}

// CounterSet summarises samples of a counter. What exceeds the largest signed
// 64-bit number goes into the overflow members.
type CounterSet struct {
	Min         int64 `json:"min"`
	Max         int64 `json:"max"`
	Sum         int64 `json:"sum"`
	OverflowMin int64 `json:"overflowMin"`
	OverflowMax int64 `json:"overflowMax"`
	OverflowSum int64 `json:"overflowSum"`
	SampleCount int   `json:"sampleCount"`
}

// StatsSet summarises samples.
type StatsSet struct {
	Min         float64 `json:"min"`
	Max         float64 `json:"max"`
	Sum         float64 `json:"sum"`
	SampleCount int     `json:"sampleCount"`
}

// RestartSet counts restarts in place.
type RestartSet struct {
	RestartCount int64 `json:"restartCount"`
}

// PublishHealth carries health-check verdicts.
type PublishHealth struct {
	Metadata  MetricsMetadata `json:"metadata"`
	Tasks     []TaskHealth    `json:"tasks"`
	Timestamp float64         `json:"timestamp"`
}

// TaskHealth is the health of one task's containers.
type TaskHealth struct {
	TaskARN               string            `json:"taskArn"`
	ClusterARN            string            `json:"clusterArn,omitempty"`
	TaskDefinitionFamily  string            `json:"taskDefinitionFamily"`
	TaskDefinitionVersion string            `json:"taskDefinitionVersion"`
	Containers            []ContainerHealth `json:"containers"`
}

// ContainerHealth is HEALTHY, UNHEALTHY or UNKNOWN, and since when.
type ContainerHealth struct {
	ContainerName string  `json:"containerName"`
	HealthStatus  string  `json:"healthStatus"`
	StatusSince   float64 `json:"statusSince,omitempty"`
	StatusMessage string  `json:"statusMessage,omitempty"`
}

// PublishInstanceStatus carries the state of the container runtime.
type PublishInstanceStatus struct {
	Metadata  MetricsMetadata  `json:"metadata"`
	Statuses  []InstanceStatus `json:"statuses"`
	Timestamp float64          `json:"timestamp"`
}

// InstanceStatus is OK, IMPAIRED, INSUFFICIENT_DATA or INITIALIZING.
type InstanceStatus struct {
	Type             string  `json:"type"`
	Status           string  `json:"status"`
	LastUpdated      float64 `json:"lastUpdated,omitempty"`
	LastStatusChange float64 `json:"lastStatusChange,omitempty"`
	StatusReason     string  `json:"statusReason,omitempty"`
}

// TelemetryAck answers every publish; any answer resets the agent's timer.
type TelemetryAck struct {
	Message string `json:"message"`
}
