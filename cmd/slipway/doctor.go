package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/doctor"
	"github.com/slipway/slipway/internal/up"
)

func doctorCommand() *cobra.Command {
	var cfg doctor.Config
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine lacks, and the command that mends it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := doctor.Run(cmd.Context(), cfg)
			doctor.Print(cmd.OutOrStdout(), findings)
			if !doctor.Healthy(findings) {
				return errors.New("this machine lacks something that Slipway needs")
			}
			fmt.Fprintln(cmd.OutOrStdout(), "this machine can run Slipway")
			return nil
		},
	}
	dataDirFlag(cmd, &cfg.DataDir)
	cmd.Flags().StringVar(&cfg.Containerd, "containerd", up.DefaultContainerd, "`SOCKET` of this machine's containerd")
	return cmd
}
