package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/client"
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
	c, err := client.Open(dir)
	if err != nil {
		return err
	}
	key := c.Credentials()
	for _, v := range [][2]string{
		{"AWS_ENDPOINT_URL", c.Endpoint().URL},
		{"AWS_ACCESS_KEY_ID", key.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", key.SecretAccessKey},
		{"AWS_REGION", c.Endpoint().Region},
		{"AWS_DEFAULT_REGION", c.Endpoint().Region}, // what version 1 of the CLI reads
		// `aws logs start-live-tail` would ask for stream-HOST otherwise.
		{"AWS_DISABLE_HOST_PREFIX_INJECTION", "true"},
	} {
		fmt.Fprintf(w, "export %s=%s\n", v[0], quote(v[1]))
	}
	// A session token of the user's own would go with our key and break it.
	fmt.Fprintln(w, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	return nil
}

// quote makes a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
