// Package initproc makes the init program of containers: a static executable of
// a few hundred bytes that starts a command, passes signals on to it, reaps what
// is left to process 1, and ends with the command's exit code (128 + signal if
// it was killed).
//
//	init -- COMMAND [ARGUMENT…]   look COMMAND up in PATH and be its init
//	init                          only reap, until SIGTERM, SIGINT or SIGQUIT
//
// It is no mode of this program, whose start takes 17 ms of CPU and whose memory
// would count against the smallest container there is (6 MiB); nor is a foreign
// one needed on the machine. Its code is written in Go's assembler and cut out
// of this very program. It promises to hold one page or two of memory and a
// single thread. It refuses architectures for which the code is not written.
package initproc

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrUnsupported says that there is no init for this architecture.
var ErrUnsupported = errors.New("no init program for this architecture")

// Write puts the program into dir, which must allow execution, and gives its
// path. A program that is there already is kept.
func Write(dir string) (string, error) {
	image, err := Image()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(image)
	path := filepath.Join(dir, "init-"+hex.EncodeToString(sum[:6]))
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, image) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", fmt.Errorf("create directory of init program: %w", err)
	}
	return path, write(path, image)
}

// write renames a complete file into place: another agent may do the same, and
// a program that runs cannot be written to.
func write(path string, image []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".init-*")
	if err != nil {
		return fmt.Errorf("write init program: %w", err)
	}
	_, err = f.Write(image)
	err = errors.Join(err, f.Chmod(0o755), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write init program: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Sizes and numbers of the ELF format.
const (
	headerSize  = 64
	segmentSize = 56
	segments    = 2
	base        = 0x400000
	offset      = headerSize + segments*segmentSize
)

// Image is the program as an ELF executable: one segment with headers and code,
// and the word that the stack holds no code.
func Image() ([]byte, error) {
	text, err := text()
	if err != nil {
		return nil, err
	}
	size := uint64(offset + len(text))
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			_ = binary.Write(&b, binary.LittleEndian, x) // a buffer takes everything
		}
	}
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	const executable, current = uint16(2), uint32(1)
	put(executable, machine, current, uint64(base+offset), uint64(headerSize), uint64(0), uint32(0),
		uint16(headerSize), uint16(segmentSize), uint16(segments), uint16(0), uint16(0), uint16(0))
	const load, stack, readExec, readWrite, page = uint32(1), uint32(0x6474e551), uint32(5), uint32(6), uint64(0x1000)
	put(load, readExec, uint64(0), uint64(base), uint64(base), size, size, page)
	put(stack, readWrite, uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(16))
	b.Write(text)
	return b.Bytes(), nil
}
