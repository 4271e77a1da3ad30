package ssmchannel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The layout of a message: fixed fields, big-endian, then the payload. The
// length of the header counts everything in front of the payload's length.
const (
	typeAt     = 4 // after the header's length
	typeLen    = 32
	schemaAt   = typeAt + typeLen
	createdAt  = schemaAt + 4
	sequenceAt = createdAt + 8
	flagsAt    = sequenceAt + 8
	idAt       = flagsAt + 8
	digestAt   = idAt + 16
	kindAt     = digestAt + sha256.Size
	headerLen  = kindAt + 4
	payloadAt  = headerLen + 4
)

// Flags of a message.
const (
	FlagSYN uint64 = 1 << iota // the first of its stream
	FlagFIN                    // the last of its stream
)

// Message is one frame of a control or data channel.
type Message struct {
	Type     string // one of the Type constants; at most 32 bytes
	Schema   uint32
	Created  time.Time // to the millisecond
	Sequence int64     // of stream messages, from 0 up in each direction
	Flags    uint64
	ID       uuid.UUID
	Kind     Kind // of the payload, in stream messages
	Payload  []byte
}

// Encode returns the frame.
func (m *Message) Encode() []byte {
	b := make([]byte, payloadAt+len(m.Payload))
	binary.BigEndian.PutUint32(b, headerLen)
	copy(b[typeAt:schemaAt], bytes.Repeat([]byte{' '}, typeLen))
	copy(b[typeAt:schemaAt], m.Type)
	binary.BigEndian.PutUint32(b[schemaAt:], m.Schema)
	binary.BigEndian.PutUint64(b[createdAt:], uint64(m.Created.UnixMilli()))
	binary.BigEndian.PutUint64(b[sequenceAt:], uint64(m.Sequence))
	binary.BigEndian.PutUint64(b[flagsAt:], m.Flags)
	// The halves of the id change places: the lower one comes first.
	copy(b[idAt:], m.ID[8:])
	copy(b[idAt+8:], m.ID[:8])
	digest := sha256.Sum256(m.Payload)
	copy(b[digestAt:], digest[:])
	binary.BigEndian.PutUint32(b[kindAt:], uint32(m.Kind))
	binary.BigEndian.PutUint32(b[headerLen:], uint32(len(m.Payload)))
	copy(b[payloadAt:], m.Payload)
	return b
}

// The ways in which a frame can be wrong.
var (
	ErrFrame  = errors.New("frame is malformed")
	ErrDigest = errors.New("payload does not have the digest that the frame tells")
)

// Decode reads a frame and holds the payload against its digest. The message's
// payload is a part of the frame.
func Decode(frame []byte) (Message, error) {
	m, err := Peek(frame)
	if err != nil {
		return Message{}, err
	}
	// The plugin looks at no digest of an empty payload.
	if digest := sha256.Sum256(m.Payload); len(m.Payload) > 0 && !bytes.Equal(digest[:], frame[digestAt:kindAt]) {
		return Message{}, ErrDigest
	}
	return m, nil
}

// Peek reads a frame without looking at the digest, for those who only pass it
// on.
func Peek(frame []byte) (Message, error) {
	if len(frame) < payloadAt {
		return Message{}, fmt.Errorf("%w: %d bytes", ErrFrame, len(frame))
	}
	if n := binary.BigEndian.Uint32(frame); n != headerLen {
		return Message{}, fmt.Errorf("%w: header of %d bytes", ErrFrame, n)
	}
	if n := binary.BigEndian.Uint32(frame[headerLen:]); uint64(n) != uint64(len(frame)-payloadAt) {
		return Message{}, fmt.Errorf("%w: payload of %d bytes is said to be %d", ErrFrame, len(frame)-payloadAt, n)
	}
	m := Message{
		Type:     strings.Trim(string(frame[typeAt:schemaAt]), " \x00"),
		Schema:   binary.BigEndian.Uint32(frame[schemaAt:]),
		Created:  time.UnixMilli(int64(binary.BigEndian.Uint64(frame[createdAt:]))),
		Sequence: int64(binary.BigEndian.Uint64(frame[sequenceAt:])),
		Flags:    binary.BigEndian.Uint64(frame[flagsAt:]),
		Kind:     Kind(binary.BigEndian.Uint32(frame[kindAt:])),
		Payload:  frame[payloadAt:],
	}
	copy(m.ID[8:], frame[idAt:])
	copy(m.ID[:8], frame[idAt+8:])
	if m.Type == "" {
		return Message{}, fmt.Errorf("%w: no type", ErrFrame)
	}
	return m, nil
}
