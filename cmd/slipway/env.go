package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/internal/service/iam"
)

func envCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print shell exports that point the AWS CLI at a data directory's Slipway",
		Long: `Print the exports that point the AWS CLI and the SDKs at Slipway:

    eval "$(slipway env --data-dir DIR)"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printEnv(cmd.OutOrStdout(), dir)
		},
	}
	dataDirFlag(cmd, &dir)
	return cmd
}

func printEnv(w io.Writer, dir string) error {
	endpoint, err := installation.ReadEndpoint(dir)
	if err != nil {
		return err
	}
	key, err := iam.ReadCredentials(dir)
	if err != nil {
		return fmt.Errorf("read the root key: %w", err)
	}
	for _, v := range [][2]string{
		{"AWS_ENDPOINT_URL", endpoint.URL},
		{"AWS_ACCESS_KEY_ID", key.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", key.SecretAccessKey},
		{"AWS_REGION", endpoint.Region},
		{"AWS_DEFAULT_REGION", endpoint.Region},
	} {
		fmt.Fprintf(w, "export %s=%s\n", v[0], quote(v[1]))
	}
	// A session token of the user's own would go with our key and break it.
	fmt.Fprintln(w, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	return nil
}

// quote makes a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
