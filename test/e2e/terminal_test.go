//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a program that runs at a terminal of its own.
type terminal struct {
	cmd    *exec.Cmd
	screen *os.File // what the program writes is read here, and it reads what is written
	read   chan struct{}

	mu   sync.Mutex
	seen strings.Builder
}

// atTerminal starts a program at a terminal of 100 columns and 30 rows, and kills
// it if it still runs when the test ends.
func atTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	screen, line, err := pseudoTerminal()
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{cmd: cmd, screen: screen, read: make(chan struct{})}
	p.resize(t, 100, 30)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	line.Close()
	if err != nil {
		screen.Close()
		t.Fatal(err)
	}
	go p.follow()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		screen.Close()
		<-p.read
	})
	return p
}

func pseudoTerminal() (screen, line *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open terminal: %w", err)
	}
	screen = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, fmt.Errorf("unlock terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, fmt.Errorf("name terminal: %w", err)
	}
	line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	return screen, line, err
}

func (p *terminal) follow() {
	defer close(p.read)
	buf := make([]byte, 4096)
	for {
		n, err := p.screen.Read(buf)
		p.mu.Lock()
		p.seen.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *terminal) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

func (p *terminal) resize(t *testing.T, cols, rows uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(p.screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows}); err != nil {
		t.Fatal(err)
	}
}

// shows waits until the terminal has shown a text.
func (p *terminal) shows(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q on the terminal", text), func() (string, bool) {
		seen := p.text()
		return seen, strings.Contains(seen, text)
	})
}

func (p *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := p.screen.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// code waits for the end of the program.
func (p *terminal) code(t *testing.T) int {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.cmd.Wait() // its state says more
	}()
	eventually(t, "the end of the program", func() (string, bool) {
		select {
		case <-done:
			return "", true
		default:
			return p.text(), false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}
