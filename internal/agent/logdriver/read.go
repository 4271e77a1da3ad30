package logdriver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ReadOptions say which part of a log to read.
type ReadOptions struct {
	Tail   int  // the last so many lines; 0 = all that is kept
	Follow bool // go on with what comes
	// Until ends a Follow when closed, after what is there by then; nil =
	// only the context ends it.
	Until <-chan struct{}
}

// Read copies a log, both streams in the order in which they were written, to
// w. A log that does not exist gives fs.ErrNotExist.
func Read(ctx context.Context, path string, o ReadOptions, w io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer f.Close()
	at, err := begin(f)
	if err == nil && o.Tail > 0 {
		at, err = lastLines(f, at, o.Tail)
	}
	if err != nil {
		return fmt.Errorf("find beginning of log: %w", err)
	}
	for last := !o.Follow; ; {
		if at, err = copyFrom(f, at, w); err != nil || last {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.Until:
			last = true
		case <-time.After(followEvery):
		}
	}
}

const followEvery = 100 * time.Millisecond

// begin is the offset of the first whole line that is kept.
func begin(f *os.File) (int64, error) {
	at, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO): // no data at all
		return size0(f)
	case errors.Is(err, unix.EINVAL): // a file system without holes
		return 0, nil
	case err != nil || at == 0:
		return 0, err
	}
	var b [4096]byte
	for {
		n, err := f.ReadAt(b[:], at)
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			return at, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func size0(f *os.File) (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// lastLines is the offset, not before from, of the last n lines.
func lastLines(f *os.File, from int64, n int) (int64, error) {
	end, err := size0(f)
	if err != nil {
		return 0, err
	}
	var b [4096]byte
	first := true
	for at := end; at > from; {
		size := min(int64(len(b)), at-from)
		at -= size
		if _, err := f.ReadAt(b[:size], at); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for i := size - 1; i >= 0; i-- {
			// The newline that ends the log ends its last line.
			if b[i] == '\n' && !(first && at+i == end-1) {
				if n--; n == 0 {
					return at + i + 1, nil
				}
			}
		}
		first = false
	}
	return from, nil
}

// copyFrom copies what is there and gives the offset to go on at.
func copyFrom(f *os.File, at int64, w io.Writer) (int64, error) {
	size, err := size0(f)
	if err != nil {
		return at, fmt.Errorf("look at log: %w", err)
	}
	if size < at {
		at = 0 // the log began anew
	}
	// A reader that was overtaken by the cut goes on where data is.
	if data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA); err == nil && data > at {
		at = data
	}
	n, err := io.Copy(w, io.NewSectionReader(f, at, size-at))
	if err != nil {
		return at + n, fmt.Errorf("read log: %w", err)
	}
	return at + n, nil
}
