package agentproto

// Heartbeat keeps the agent's inactivity timer (60 to 120 s) from firing.
type Heartbeat struct {
	Healthy   bool   `json:"healthy"`
	MessageID string `json:"messageId"`
}

// HeartbeatAck answers Heartbeat.
type HeartbeatAck struct {
	MessageID string `json:"messageId"`
}

// Payload carries desired state. Tasks are upserted by ARN: a known task only
// has its desired status moved to STOPPED.
type Payload struct {
	ClusterARN           string `json:"clusterArn"`
	ContainerInstanceARN string `json:"containerInstanceArn"`
	MessageID            string `json:"messageId"`
	GeneratedAt          int64  `json:"generatedAt"` // milliseconds since the epoch
	SeqNum               int64  `json:"seqNum"`
	Tasks                []Task `json:"tasks"`
}

// Ack and Nack echo the cluster and the instance of what they answer.
type Ack struct {
	Cluster           string `json:"cluster"`
	ContainerInstance string `json:"containerInstance"`
	MessageID         string `json:"messageId"`
}

// Nack refuses a message, with the reason.
type Nack struct {
	Cluster           string `json:"cluster"`
	ContainerInstance string `json:"containerInstance"`
	MessageID         string `json:"messageId"`
	Reason            string `json:"reason"`
}

// Role types of Credentials messages.
const (
	RoleTask      = "TaskApplication"
	RoleExecution = "TaskExecution"
)

// Credentials refreshes one role's credentials of one task.
type Credentials struct {
	MessageID       string          `json:"messageId"`
	TaskARN         string          `json:"taskArn"`
	TaskClusterARN  string          `json:"taskClusterArn,omitempty"`
	RoleType        string          `json:"roleType"`
	RoleCredentials RoleCredentials `json:"roleCredentials"`
}

// CredentialsAck answers Credentials, and each set of credentials in a Payload.
type CredentialsAck struct {
	MessageID     string `json:"messageId"`
	CredentialsID string `json:"credentialsId"`
	Expiration    string `json:"expiration"`
}

// TaskManifest names every task that the control plane knows on the instance.
// Timeline must exceed every earlier timeline and payload seqNum.
type TaskManifest struct {
	MessageID            string           `json:"messageId"`
	ClusterARN           string           `json:"clusterArn"`
	ContainerInstanceARN string           `json:"containerInstanceArn"`
	GeneratedAt          int64            `json:"generatedAt"`
	Timeline             int64            `json:"timeline"`
	Tasks                []TaskIdentifier `json:"tasks"`
}

// TaskIdentifier is a task and what is wanted of it.
type TaskIdentifier struct {
	TaskARN        string `json:"taskArn"`
	TaskClusterARN string `json:"taskClusterArn"`
	DesiredStatus  string `json:"desiredStatus"`
}

// TaskStopVerification lists local tasks that a manifest did not want running.
type TaskStopVerification struct {
	MessageID      string           `json:"messageId"` // the manifest's
	StopCandidates []TaskIdentifier `json:"stopCandidates"`
}

// TaskStopVerificationAck names those of the candidates that must stop.
type TaskStopVerificationAck struct {
	MessageID   string           `json:"messageId"` // the manifest's
	GeneratedAt int64            `json:"generatedAt"`
	StopTasks   []TaskIdentifier `json:"stopTasks"`
}

// Close announces that the server is about to close the socket.
type Close struct {
	Message string `json:"message"`
}
