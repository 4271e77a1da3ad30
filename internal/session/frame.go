package session

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/slipway/slipway/internal/agentproto"
)

// body is what a telemetry frame says: agents put a block of signed headers and
// an empty line in front of the message. The connection was verified when it was
// opened, so the block is cut off unread.
func body(frame []byte) []byte {
	if len(frame) > 0 && frame[0] == '{' {
		return frame
	}
	_, message, ok := bytes.Cut(frame, []byte("\r\n\r\n"))
	if !ok {
		_, message, _ = bytes.Cut(frame, []byte("\n\n"))
	}
	return message
}

// message decodes what a frame holds. What cannot be read is logged and
// ignored: ending the socket would only make the agent send it again.
func message[T any](s *Server, of Instance, e agentproto.Envelope) (m T, ok bool) {
	if err := json.Unmarshal(e.Message, &m); err != nil {
		s.ignored(of, fmt.Errorf("decode %s: %w", e.Type, err))
		return m, false
	}
	return m, true
}

func (s *Server) ignored(of Instance, err error) {
	s.log.Warn("agent's message ignored", "instance", of.ARN(), "error", err)
}
