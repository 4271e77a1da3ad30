// Command probe looks at a container from inside, for the tests of what a
// container gets from its agent: logs, credentials, metadata and sessions. It is
// a static binary and the only file of its image.
//
//	probe                  serves HTTP on $PORT (80), see serve.go
//	probe lines N          prints N numbered lines and exits with 0
//	probe ticks MS         prints a numbered line every MS milliseconds until SIGTERM
//	probe flood SECONDS    prints 100 MB/s
//	probe say LINE…        prints each argument as a line and exits with 0
//	probe env NAME…        prints the variables and exits with 0
//	probe router           is a log router, see router.go
//	probe echo             copies its input to its output
//	probe exit N           exits with N
//	probe terminal         prints the size of its terminal, again when it changes
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/term"
)

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"serve"}
	}
	run, ok := map[string]func([]string) error{
		"serve": serve, "lines": lines, "ticks": ticks, "flood": flood, "say": say, "env": env,
		"router": router, "echo": echo, "exit": exit, "terminal": terminal,
	}[args[0]]
	if !ok {
		fmt.Fprintln(os.Stderr, "probe: unknown command", args[0])
		os.Exit(2)
	}
	if err := run(args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func env(names []string) error {
	for _, name := range names {
		fmt.Printf("%s=%s\n", name, os.Getenv(name))
	}
	return nil
}

func echo([]string) error {
	_, err := io.Copy(os.Stdout, os.Stdin)
	return err
}

func exit(args []string) error {
	os.Exit(number(args))
	return nil
}

func terminal([]string) error {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	for {
		cols, rows, err := term.GetSize(int(os.Stdin.Fd()))
		if err != nil {
			return fmt.Errorf("measure the terminal: %w", err)
		}
		fmt.Printf("terminal of %dx%d\n", cols, rows)
		<-changes
	}
}

func number(args []string) int {
	if len(args) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(args[0])
	return n
}
