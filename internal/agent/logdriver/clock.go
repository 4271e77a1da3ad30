package logdriver

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// clock knows when which part of a log arrived. It is a list of marks, each
// saying that the log had so many bytes at a time; what is acknowledged is
// forgotten. One mark a second goes to disk, for after a restart.
type clock struct {
	path  string
	marks []mark
	saved time.Time // of the last mark on disk
	disk  int       // marks on disk
	gap   int64     // nanoseconds that marks keep between them, once they are many
}

// mark says that the bytes before offset were there at a time.
type mark struct {
	offset int64
	nanos  int64 // since 1970
}

// maxMarks bounds the memory of a log that is not acknowledged: beyond it, times
// become coarser.
const maxMarks = 1024

const markBytes = 16

// note takes down that the log has this size now.
func (c *clock) note(size int64, now time.Time) {
	n := len(c.marks)
	m := mark{offset: size, nanos: now.UnixNano()}
	switch {
	case n > 0 && size == c.marks[n-1].offset:
		return
	case n > 0 && size < c.marks[n-1].offset: // the log began anew
		c.marks = c.marks[:0]
	case n > 0 && m.nanos < c.marks[n-1].nanos: // the clock was set back
		m.nanos = c.marks[n-1].nanos
	}
	if n = len(c.marks); n > 1 && m.nanos-c.marks[n-2].nanos < c.gap {
		c.marks[n-1] = m
	} else {
		c.marks = append(c.marks, m)
	}
	if len(c.marks) > maxMarks {
		c.thin()
	}
	if now.Sub(c.saved) >= time.Second {
		c.saved = now
		c.append(m)
	}
}

// thin drops every other mark, whose bytes then have the next one's time.
func (c *clock) thin() {
	kept := c.marks[:0]
	for i, m := range c.marks {
		if i%2 == 1 || i == len(c.marks)-1 {
			kept = append(kept, m)
		}
	}
	c.marks = kept
	c.gap = (kept[len(kept)-1].nanos - kept[0].nanos) / int64(len(kept))
}

// from gives the marks that say when bytes from offset on arrived, oldest first.
// The slice is the caller's.
func (c *clock) from(offset int64) []mark {
	i := c.after(offset)
	return slices.Clone(c.marks[i:])
}

// at is when the byte at an offset arrived, and whether that is known.
func (c *clock) at(offset int64) (time.Time, bool) {
	i := c.after(offset)
	if i == len(c.marks) {
		return time.Time{}, false
	}
	return time.Unix(0, c.marks[i].nanos), true
}

// after is the index of the first mark beyond an offset.
func (c *clock) after(offset int64) int {
	i, _ := slices.BinarySearchFunc(c.marks, offset+1, func(m mark, at int64) int { return cmp.Compare(m.offset, at) })
	return i
}

// forget drops what says nothing of the bytes from offset on.
func (c *clock) forget(offset int64) {
	i := c.after(offset)
	c.marks = slices.Delete(c.marks, 0, i)
	if len(c.marks) == 0 {
		c.marks, c.gap = nil, 0
	}
	switch {
	case c.disk == 0:
	case len(c.marks) == 0 || c.disk > maxMarks:
		c.rewrite()
	}
}

// append and rewrite keep the file; a failure, such as of a full disk, costs
// precision after a restart and nothing else.
func (c *clock) append(m mark) {
	if c.path == "" {
		return
	}
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.Write(encodeMarks(m)); err == nil {
		c.disk++
	}
}

func (c *clock) rewrite() {
	if c.path == "" {
		return
	}
	if err := os.WriteFile(c.path, encodeMarks(c.marks...), 0o600); err == nil {
		c.disk = len(c.marks)
	}
}

func encodeMarks(marks ...mark) []byte {
	b := make([]byte, 0, len(marks)*markBytes)
	for _, m := range marks {
		b = binary.BigEndian.AppendUint64(b, uint64(m.offset))
		b = binary.BigEndian.AppendUint64(b, uint64(m.nanos))
	}
	return b
}

// load reads the marks of an earlier run, as far as they make sense: a crash can
// leave half a mark, and a log that began anew smaller offsets.
func (c *clock) load() error {
	b, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read log times: %w", err)
	}
	for ; len(b) >= markBytes; b = b[markBytes:] {
		m := mark{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}
		if n := len(c.marks); n > 0 && (m.offset <= c.marks[n-1].offset || m.nanos < c.marks[n-1].nanos) {
			c.marks = c.marks[:0]
		}
		c.marks = append(c.marks, m)
		c.disk++
	}
	return nil
}
