package health

import (
	"strings"
	"sync"
)

// maxOutput is what Docker keeps of a check's output.
const maxOutput = 4096

// output keeps the first bytes of what a check says and lets the rest go. A
// check that was given up may still write while it is read.
type output struct {
	mu   sync.Mutex
	kept []byte
	more bool
}

// Write takes everything.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := min(maxOutput-len(o.kept), len(p))
	o.kept = append(o.kept, p[:room]...)
	o.more = o.more || room < len(p)
	return len(p), nil
}

// String is what was kept, with Docker's mark if it is not all.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := strings.ToValidUTF8(string(o.kept), "\uFFFD")
	if o.more {
		text += "..."
	}
	return text
}
