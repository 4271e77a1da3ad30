// Command slipway is Amazon ECS that you run yourself: the control plane, the
// container agent and the data plane in one binary. This package holds flags and
// wiring only.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "slipway:", err)
	code := 1
	if e, ok := errors.AsType[exitError](err); ok {
		code = e.code
	}
	os.Exit(code)
}

// exitError ends the process with a code of its own.
type exitError struct {
	error
	code int
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "slipway",
		Short:         "Amazon ECS that you run yourself",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.AddCommand(upCommand(), serverCommand(), agentCommand(), envCommand(), doctorCommand(), accountCommand(), logsCommand(), execCommand())
	return cmd
}
