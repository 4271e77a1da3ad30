package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/client"
	"github.com/slipway/slipway/internal/server"
)

func accountCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Make accounts"}
	var dir string
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a fresh, empty account and print its root key as JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// The running control plane is asked: the store has one owner.
			c, err := client.Open(dir)
			if err != nil {
				return err
			}
			answer, err := c.Post(cmd.Context(), server.AccountsPath, server.AdminService, nil, nil)
			if err != nil {
				return fmt.Errorf("make an account: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(answer)
			return err
		},
	}
	dataDirFlag(create, &dir)
	cmd.AddCommand(create)
	return cmd
}
