package logdriver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// acknowledge stores up to where the log is sent. If that fails, such as on a
// full disk, the log goes on, and a restart sends more again.
func (s *shipper) acknowledge(offset int64) {
	s.mu.Lock()
	s.acked = offset
	s.clock.forget(offset)
	s.mu.Unlock()
	if err := writeAcked(s.state(".acked"), offset); err != nil {
		s.log.Debug("log position not stored", "error", err)
	}
	signal(s.room)
}

// writeAcked overwrites the number in place: all of it stands in one sector, so
// that no crash leaves half of it.
func writeAcked(path string, offset int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%020d\n", offset)
	return errors.Join(err, f.Close())
}

func readAcked(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read log position: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n < 0 {
		return 0, nil // an empty file: the disk was full when it was first written
	}
	return n, nil
}
