package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/up"
)

func upCommand() *cobra.Command {
	var cfg up.Config
	var logs logFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine, in the foreground",
		Long: `Run the control plane, container instances, registry and store on this machine.

It stays in the foreground and prints one line that starts with "ready" when the
API answers and its instances are connected. SIGTERM or Ctrl-C ends it and
everything that it started; the state stays in the data directory.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.Instances < 0 {
				return fmt.Errorf("--instances %d: must not be negative", cfg.Instances)
			}
			if os.Geteuid() != 0 {
				return fmt.Errorf("up needs root, for namespaces, bridges and control groups: run it with sudo")
			}
			cfg.Stdout = cmd.OutOrStdout()
			cfg.Log = logs.logger(cmd.ErrOrStderr())
			cfg.Progress = progress(cmd.ErrOrStderr())
			return up.Run(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	dataDirFlag(cmd, &cfg.DataDir)
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:4566", "`HOST:PORT` of the API; the host must be loopback")
	f.StringVar(&cfg.Region, "region", "us-east-1", "AWS region of the cluster and its zones")
	f.StringVar(&cfg.Cluster, "cluster", "default", "`NAME` of the cluster that the instances join")
	f.IntVar(&cfg.Instances, "instances", 3, "number of container instances, one per Availability Zone in turn")
	f.StringVar(&cfg.InstanceType, "instance-type", "t3.medium", "EC2 `TYPE` of new instances, which gives their size")
	f.StringVar(&cfg.Containerd, "containerd", up.DefaultContainerd, "`SOCKET` of this machine's containerd; one is started if none answers")
	logs.add(cmd)
	return cmd
}
