package cgroup

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"
)

// reader reads the small files of one directory and keeps the first error.
type reader struct {
	dir string
	err error
}

// optional is a reader of the same directory whose errors count for nothing.
func (r *reader) optional() *reader { return &reader{dir: r.dir} }

// buffers spare the collector: usage is read every second for every container.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// with gives the file's contents to use, which must not keep them.
func (r *reader) with(file string, use func([]byte)) {
	if r.err != nil {
		return
	}
	fd, err := open(r.dir + "/" + file)
	if err != nil {
		r.err = &fs.PathError{Op: "open", Path: r.dir + "/" + file, Err: err}
		return
	}
	defer unix.Close(fd)
	buf := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buf)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			r.err = &fs.PathError{Op: "read", Path: r.dir + "/" + file, Err: err}
			return
		}
		if m == 0 {
			break
		}
		n += m
	}
	use(buf[:n])
}

// open goes past the os package, whose files join the poller that these files
// have no use for.
func open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

func (r *reader) text(file string) (s string) {
	r.with(file, func(b []byte) { s = string(b) })
	return s
}

// number is a file with one; "max" is 0.
func (r *reader) number(file string) (n uint64) {
	r.with(file, func(b []byte) { n = count(bytes.TrimSpace(b)) })
	return n
}

// count is 0 for what is no number.
func count(b []byte) (n uint64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// table is a file of "name value" lines.
func (r *reader) table(file string) map[string]uint64 {
	out := map[string]uint64{}
	r.with(file, func(b []byte) {
		out = make(map[string]uint64, bytes.Count(b, []byte{'\n'}))
		for line := range bytes.Lines(b) {
			if name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte{' '}); ok {
				out[string(name)] = count(value)
			}
		}
	})
	return out
}

// machineMemory is the machine's, in bytes.
var machineMemory = sync.OnceValue(func() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 1 << 62 // nothing is cut down to it
	}
	return info.Totalram * uint64(info.Unit)
})
