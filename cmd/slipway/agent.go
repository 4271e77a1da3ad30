package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/up"
)

func agentCommand() *cobra.Command {
	var o agent.Config
	var logs logFlags
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Make this machine a container instance of a cluster",
		Long: `Run the container agent: register this machine into a cluster and run the tasks
that are placed on it. Everything that Amazon's agent is told by environment
variables (ECS_CLUSTER, ECS_BACKEND_HOST, ECS_DATADIR, AWS_DEFAULT_REGION,
AWS_ACCESS_KEY_ID …) this one is told by the same variables.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := agent.FromEnv(os.Getenv)
			if err != nil {
				return exitError{fmt.Errorf("read the environment: %w", err), agent.ExitTerminal}
			}
			cfg.InstanceID, cfg.InstanceType, cfg.AvailabilityZone = o.InstanceID, o.InstanceType, o.AvailabilityZone
			cfg.CPU, cfg.Memory = o.CPU, o.Memory
			cfg.Containerd, cfg.ContainerdNamespace = o.Containerd, o.ContainerdNamespace
			cfg.CgroupParent, cfg.RunDir = o.CgroupParent, o.RunDir
			if !cmd.Flags().Changed("log-level") {
				logs.level = cfg.LogLevel.String()
			}
			cfg.Log = logs.logger(cmd.ErrOrStderr())
			for _, w := range cfg.Warnings {
				cfg.Log.Warn("a variable is not as it should be", "problem", w)
			}
			if cmd.Flags().Changed("drain-on-term") {
				cfg.DrainOnTerm = o.DrainOnTerm
			}
			ctx, cancel := drainFirst(cmd.Context(), &cfg)
			defer cancel()
			err = agent.Run(ctx, cfg)
			if errors.Is(err, agent.ErrTerminal) {
				return exitError{err, agent.ExitTerminal}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.InstanceID, "instance-id", "", "EC2 instance `ID` to register as; empty: an external instance")
	f.StringVar(&o.InstanceType, "instance-type", "", "EC2 instance `TYPE` to register as")
	f.StringVar(&o.AvailabilityZone, "availability-zone", "", "Availability `ZONE` of this machine")
	f.Int64Var(&o.CPU, "cpu", 0, "CPU units to offer, 1024 to a vCPU; 0: this machine's")
	f.Int64Var(&o.Memory, "memory", 0, "`MiB` of memory to offer; 0: this machine's")
	f.StringVar(&o.Containerd, "containerd", up.DefaultContainerd, "`SOCKET` of containerd")
	f.StringVar(&o.ContainerdNamespace, "containerd-namespace", "slipway", "containerd `NAMESPACE` of the tasks")
	f.StringVar(&o.CgroupParent, "cgroup", "/ecs", "control group `PATH` below which tasks are put")
	f.StringVar(&o.RunDir, "run-dir", "/run/slipway-agent", "`DIR` for mounts and sockets")
	f.DurationVar(&o.DrainOnTerm, "drain-on-term", 0, "on SIGTERM set the instance DRAINING and wait for tasks of services to go, for at most `DURATION`; 0: end at once, tasks go on")
	logs.add(cmd)
	return cmd
}

// drainGrace is what an agent that has drained for long enough may take to end.
const drainGrace = 15 * time.Second

// drainFirst lets an agent that is to drain hear of the end of ctx before its own
// context ends.
func drainFirst(ctx context.Context, cfg *agent.Config) (context.Context, context.CancelFunc) {
	if cfg.DrainOnTerm <= 0 {
		return context.WithCancel(ctx)
	}
	cfg.Terminate = ctx.Done()
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		select {
		case <-time.After(cfg.DrainOnTerm + drainGrace):
			cancel()
		case <-inner.Done():
		}
	})
	return inner, cancel
}
