// Package eventstream writes application/vnd.amazon.eventstream: a sequence of
// messages, each of named headers and a payload, each with two checksums.
//
// It promises frames that AWS's SDKs accept (Smithy, "Amazon Event Stream"). It
// only writes, and only headers that are strings, which is all that answers need;
// it knows no service and no operation.
package eventstream

import (
	"encoding/binary"
	"hash/crc32"
)

// ContentType is the media type of a sequence of frames.
const ContentType = "application/vnd.amazon.eventstream"

// The headers by which a frame says what it is.
const (
	HeaderMessageType   = ":message-type"
	HeaderEventType     = ":event-type"
	HeaderExceptionType = ":exception-type"
	HeaderContentType   = ":content-type"
)

// The message types of answers.
const (
	TypeEvent     = "event"
	TypeException = "exception"
)

// Header is a named string. A name has at most 255 bytes and a value at most
// 32767.
type Header struct{ Name, Value string }

const (
	stringType = 7
	overhead   = 16 // two lengths, the checksum of the prelude, the checksum of all
)

// Append appends a frame to b: both lengths, their checksum, the headers, the
// payload, and the checksum of all that.
func Append(b []byte, headers []Header, payload []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, 12)...) // filled in when the lengths are known
	for _, h := range headers {
		b = append(append(b, byte(len(h.Name))), h.Name...)
		b = binary.BigEndian.AppendUint16(append(b, stringType), uint16(len(h.Value)))
		b = append(b, h.Value...)
	}
	headerLen := len(b) - start - 12
	frame := b[start:]
	binary.BigEndian.PutUint32(frame, uint32(overhead+headerLen+len(payload)))
	binary.BigEndian.PutUint32(frame[4:], uint32(headerLen))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}
