package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// beacons receives what payloads send when they run.
type beacons struct {
	dir  string // is mounted into containers at /beacon
	conn *net.UnixConn
}

func newBeacons() (*beacons, error) {
	dir, err := os.MkdirTemp("", "slipway-bench-")
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "sock"), Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return &beacons{dir: dir, conn: conn}, os.Chmod(filepath.Join(dir, "sock"), 0o777)
}

func (b *beacons) close() {
	_ = b.conn.Close()
	os.RemoveAll(b.dir)
}

// await returns when the payloads of n ids, or any n if ids is nil, have called,
// and the times of the first and the last.
func (b *beacons) await(ctx context.Context, n int) (first, last time.Time, err error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(2 * time.Minute)
	}
	if err := b.conn.SetReadDeadline(deadline); err != nil {
		return first, last, err
	}
	buf := make([]byte, 256)
	for range n {
		if _, _, err := b.conn.ReadFrom(buf); err != nil {
			return first, last, fmt.Errorf("wait for %d payloads: %w", n, err)
		}
		last = time.Now()
		if first.IsZero() {
			first = last
		}
	}
	return first, last, nil
}
