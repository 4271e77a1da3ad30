package initproc

import (
	"bytes"
	"errors"
	"unsafe"
)

const machine = uint16(62) // EM_X86_64

// program is the code; it is never called here. address is where it lies.
func program() //nolint:unused // its address is what is used
func address() unsafe.Pointer

// mark ends the code, see the assembly; longest bounds the search for it.
var mark = []byte("INIT-END")

const longest = 2048

func text() ([]byte, error) {
	code := unsafe.Slice((*byte)(address()), longest)
	end := bytes.Index(code, mark)
	if end < 0 {
		return nil, errors.New("init program: its end is not found")
	}
	return bytes.Clone(code[:end]), nil
}
