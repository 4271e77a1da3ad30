//go:build !amd64

package initproc

const machine = uint16(0)

func text() ([]byte, error) { return nil, ErrUnsupported }
