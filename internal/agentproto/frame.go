package agentproto

import (
	"encoding/json"
	"fmt"
)

// Envelope is the frame of both sockets, in both directions.
type Envelope struct {
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message"`
}

// The message types of ACS and TCS.
const (
	TypeHeartbeat               = "HeartbeatMessage"
	TypeHeartbeatAck            = "HeartbeatAckRequest"
	TypePayload                 = "PayloadMessage"
	TypeAck                     = "AckRequest"
	TypeNack                    = "NackRequest"
	TypeCredentials             = "IAMRoleCredentialsMessage"
	TypeCredentialsAck          = "IAMRoleCredentialsAckRequest"
	TypeTaskManifest            = "TaskManifestMessage"
	TypeTaskStopVerification    = "TaskStopVerificationMessage"
	TypeTaskStopVerificationAck = "TaskStopVerificationAck"
	TypeClose                   = "CloseMessage"
	TypeError                   = "ErrorMessage"

	TypePublishMetrics        = "PublishMetricsRequest"
	TypePublishHealth         = "PublishHealthRequest"
	TypePublishInstanceStatus = "PublishInstanceStatusRequest"
	TypeAckMetric             = "AckPublishMetric"
	TypeAckHealth             = "AckPublishHealth"
	TypeAckInstanceStatus     = "AckPublishInstanceStatus"
	TypeStopTelemetry         = "StopTelemetrySessionMessage"

	// TypeInactiveInstance, as the body of a refused upgrade, tells an agent
	// that its instance is deregistered: it then waits an hour.
	TypeInactiveInstance = "InactiveInstanceException"
)

// Encode frames one message.
func Encode(kind string, message any) ([]byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	return json.Marshal(Envelope{Type: kind, Message: body})
}

// Decode reads the frame; the message inside stays raw until its type is known.
func Decode(frame []byte) (Envelope, error) {
	var e Envelope
	if err := json.Unmarshal(frame, &e); err != nil {
		return Envelope{}, fmt.Errorf("decode frame: %w", err)
	}
	if e.Type == "" {
		return Envelope{}, fmt.Errorf("decode frame: no type")
	}
	return e, nil
}
