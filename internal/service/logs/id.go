package logs

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// ID is what a group or a stream is called in the log store. It is never used
// again for another.
type ID uint64

func newID() ID {
	var b [8]byte
	rand.Read(b[:])                               // never fails: it ends the program instead
	return ID(binary.BigEndian.Uint64(b[:]) >> 1) // below the last key of its kind
}

// String is the id in 16 hexadecimal digits.
func (i ID) String() string { return fmt.Sprintf("%016x", uint64(i)) }
