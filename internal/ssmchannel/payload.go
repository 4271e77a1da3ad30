package ssmchannel

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The types of messages that are used here.
const (
	TypeInput        = "input_stream_data"   // client to agent
	TypeOutput       = "output_stream_data"  // agent to client
	TypeAcknowledge  = "acknowledge"         // of one stream message
	TypeClosed       = "channel_closed"      // from the service: the session is over
	TypePause        = "pause_publication"   // from the service: the other end is away
	TypeStart        = "start_publication"   // from the service: the other end is there
	TypeState        = "agent_session_state" // agent to service
	TypeShell        = "interactive_shell"   // service to agent, on the control channel: a new session
	TypeTaskComplete = "agent_task_complete" // agent to service, on the control channel
)

// Kind says what the payload of a stream message is.
type Kind uint32

// The kinds of payloads that are used here.
const (
	KindOutput            Kind = 1 // bytes of the terminal, in both directions
	KindSize              Kind = 3
	KindHandshakeRequest  Kind = 5
	KindHandshakeResponse Kind = 6
	KindHandshakeComplete Kind = 7
	KindFlag              Kind = 10 // four bytes, such as FlagTerminate
	KindStderr            Kind = 11
	KindExitCode          Kind = 12 // decimal digits
)

// FlagTerminate is the payload of a KindFlag that ends the session.
const FlagTerminate uint32 = 2

// SchemaVersion is that of the JSON requests that open channels.
const SchemaVersion = "1.0"

// Size is the size of a terminal in characters.
type Size struct {
	Cols uint32 `json:"cols"`
	Rows uint32 `json:"rows"`
}

// Acknowledgement says that a stream message was handled.
type Acknowledgement struct {
	Type       string    `json:"AcknowledgedMessageType"`
	ID         uuid.UUID `json:"AcknowledgedMessageId"`
	Sequence   int64     `json:"AcknowledgedMessageSequenceNumber"`
	Sequential bool      `json:"IsSequentialMessage"`
}

// Closed ends a session. The plugin shows Output, if there is one.
type Closed struct {
	MessageID     string `json:"MessageId"`
	CreatedDate   string `json:"CreatedDate"`
	DestinationID string `json:"DestinationId"`
	SessionID     string `json:"SessionId"`
	MessageType   string `json:"MessageType"`
	SchemaVersion int    `json:"SchemaVersion"`
	Output        string `json:"Output"`
}

// State is how the agent's end of a session is.
type State struct {
	SchemaVersion int    `json:"SchemaVersion"`
	SessionState  string `json:"SessionState"` // StateTerminating
	SessionID     string `json:"SessionId"`
}

// StateTerminating says that the command has ended and all output was taken.
const StateTerminating = "Terminating"

// SessionInteractive is the session type that a handshake asks for here.
const SessionInteractive = "InteractiveCommands"

// ActionSession is the handshake's action that tells the session's type.
const ActionSession = "SessionType"

// The outcomes of an action.
const (
	ActionSuccess     = 1
	ActionFailed      = 2
	ActionUnsupported = 3
)

// HandshakeRequest is the agent's first message.
type HandshakeRequest struct {
	AgentVersion string            `json:"AgentVersion"`
	Actions      []RequestedAction `json:"RequestedClientActions"`
}

// RequestedAction is something that the client shall do.
type RequestedAction struct {
	Type       string          `json:"ActionType"`
	Parameters json.RawMessage `json:"ActionParameters"`
}

// SessionParameters are those of ActionSession.
type SessionParameters struct {
	SessionType string          `json:"SessionType"`
	Properties  ShellProperties `json:"Properties"`
}

// HandshakeResponse is the client's answer.
type HandshakeResponse struct {
	ClientVersion string            `json:"ClientVersion"`
	Actions       []ProcessedAction `json:"ProcessedClientActions"`
	Errors        []string          `json:"Errors"`
}

// ProcessedAction is what became of a RequestedAction.
type ProcessedAction struct {
	Type   string          `json:"ActionType"`
	Status int             `json:"ActionStatus"`
	Result json.RawMessage `json:"ActionResult"`
	Error  string          `json:"Error"`
}

// SessionResult is the result of ActionSession from a client that wants more
// than a terminal: with it the agent sends the exit code, and without Terminal
// the command has pipes, its standard error comes apart from its output, and
// FlagFIN ends its input. It is ours: the plugin sends no result, and an SSM
// agent ignores it.
type SessionResult struct {
	Terminal bool `json:"Terminal"`
}

// HandshakeComplete ends the handshake. The plugin shows CustomerMessage.
type HandshakeComplete struct {
	TimeToComplete  time.Duration `json:"HandshakeTimeToComplete"`
	CustomerMessage string        `json:"CustomerMessage"`
}

// ChannelRequest is the body of CreateControlChannel and CreateDataChannel.
type ChannelRequest struct {
	MessageSchemaVersion string `json:"MessageSchemaVersion"`
	RequestID            string `json:"RequestId"`
	ClientID             string `json:"ClientId,omitempty"`
}

// OpenRequest is the text that a client or an agent sends first on a web socket.
type OpenRequest struct {
	MessageSchemaVersion string `json:"MessageSchemaVersion"`
	RequestID            string `json:"RequestId"`
	TokenValue           string `json:"TokenValue"`
	ClientID             string `json:"ClientId,omitempty"`         // data channels
	ClientVersion        string `json:"ClientVersion,omitempty"`    // of a client
	ClientInstanceID     string `json:"ClientInstanceId,omitempty"` // of an agent
	AgentVersion         string `json:"AgentVersion,omitempty"`     // control channels
	PlatformType         string `json:"PlatformType,omitempty"`
}

// SessionTask is what TypeShell tells the agent of a session.
type SessionTask struct {
	DocumentName    string          `json:"DocumentName"`
	DocumentContent SessionDocument `json:"DocumentContent"`
	SessionID       string          `json:"SessionId"`
	RunAsUser       string          `json:"RunAsUser"`
	SessionOwner    string          `json:"SessionOwner"`
	// Target is the container, see Target. AWS has a control channel for each
	// container; here one serves all of an instance.
	Target string `json:"Target"`
}

// SessionDocument is the part of an SSM document that matters.
type SessionDocument struct {
	SchemaVersion string          `json:"schemaVersion"`
	SessionType   string          `json:"sessionType"`
	Properties    ShellProperties `json:"properties"`
}

// ShellProperties hold the command.
type ShellProperties struct {
	Linux ShellConfig `json:"linux"`
}

// ShellConfig is what to run and how.
type ShellConfig struct {
	Commands      string `json:"commands"` // one line; see Split
	RunAsElevated bool   `json:"runAsElevated"`
}

// envelope is the payload of TypeShell: the task is JSON inside JSON.
type envelope struct {
	Content       string `json:"Content"`
	TaskID        string `json:"TaskId"`
	Topic         string `json:"Topic"`
	SchemaVersion int    `json:"SchemaVersion"`
}

// TaskComplete tells the service of a session that could not run, or has.
type TaskComplete struct {
	SchemaVersion   int    `json:"SchemaVersion"`
	TaskID          string `json:"TaskId"` // the session's id
	Topic           string `json:"Topic"`
	FinalTaskStatus string `json:"FinalTaskStatus"`
	InstanceID      string `json:"InstanceId"`
	Output          string `json:"Output"`
}

// topicSession is the Topic of sessions.
const topicSession = "aws.ssm.startSession"

// NewShell makes the message that tells the agent of a session.
func NewShell(t SessionTask) Message {
	return New(TypeShell, envelope{Content: string(encode(t)), TaskID: t.SessionID, Topic: topicSession, SchemaVersion: 1})
}

// ParseShell reads a message of TypeShell.
func ParseShell(m Message) (SessionTask, error) {
	var e envelope
	var t SessionTask
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return t, fmt.Errorf("decode session message: %w", err)
	}
	if err := json.Unmarshal([]byte(e.Content), &t); err != nil {
		return t, fmt.Errorf("decode session: %w", err)
	}
	return t, nil
}

// NewTaskComplete makes the message that tells the service how a session ended.
func NewTaskComplete(session, instance, status, output string) Message {
	return New(TypeTaskComplete, TaskComplete{
		SchemaVersion: 1, TaskID: session, Topic: "aws.ssm.sessionComplete", FinalTaskStatus: status, InstanceID: instance, Output: output,
	})
}

// NewClosed makes the message that ends a session.
func NewClosed(session, destination, output string) Message {
	m := New(TypeClosed, nil)
	m.Payload = encode(Closed{
		MessageID: m.ID.String(), CreatedDate: m.Created.UTC().Format(time.RFC3339), DestinationID: destination, SessionID: session,
		MessageType: TypeClosed, SchemaVersion: 1, Output: output,
	})
	return m
}

// New makes a message outside of the streams.
func New(kind string, payload any) Message {
	m := Message{Type: kind, Schema: 1, Created: time.Now(), Flags: FlagSYN | FlagFIN, ID: uuid.New()}
	if payload != nil {
		m.Payload = encode(payload)
	}
	return m
}

// encode is for payloads of strings and numbers, which can be encoded.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ssmchannel: encode %T: %v", v, err))
	}
	return b
}

// Target names a container as AWS does in the targets of sessions.
func Target(cluster, task, runtimeID string) string {
	return "ecs:" + cluster + "_" + task + "_" + runtimeID
}

// TargetRuntimeID is the last part of a Target.
func TargetRuntimeID(target string) string {
	return target[strings.LastIndexByte(target, '_')+1:]
}

// ControlChannelID names the control channel of a container instance.
func ControlChannelID(cluster, instance string) string { return cluster + "_" + instance }

// ParseControlChannelID undoes ControlChannelID: the names of clusters may hold
// underscores, the ids of instances do not.
func ParseControlChannelID(id string) (cluster, instance string, ok bool) {
	at := strings.LastIndexByte(id, '_')
	if at <= 0 || at == len(id)-1 {
		return "", "", false
	}
	return id[:at], id[at+1:], true
}
