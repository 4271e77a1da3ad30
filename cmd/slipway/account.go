package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/internal/server"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

func accountCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Make accounts"}
	var dir string
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a fresh, empty account and print its root key as JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return createAccount(cmd.Context(), cmd.OutOrStdout(), dir)
		},
	}
	dataDirFlag(create, &dir)
	cmd.AddCommand(create)
	return cmd
}

// createAccount asks the running control plane: the store has one owner.
func createAccount(ctx context.Context, w io.Writer, dir string) error {
	endpoint, err := installation.ReadEndpoint(dir)
	if err != nil {
		return err
	}
	key, err := iam.ReadCredentials(dir)
	if err != nil {
		return fmt.Errorf("read the root key: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.URL+server.AccountsPath, nil)
	if err != nil {
		return err
	}
	creds := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
	sigv4.Sign(req, nil, creds, endpoint.Region, server.AdminService, time.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no Slipway answers for %s at %s: is `slipway up` running? (%w)", dir, endpoint.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("make an account: %s: %s", resp.Status, body)
	}
	_, err = w.Write(body)
	return err
}
