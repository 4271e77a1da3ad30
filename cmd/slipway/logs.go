package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/client"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// logsOptions are the flags of `slipway logs`.
type logsOptions struct {
	dataDir, cluster, container string
	read                        logdriver.ReadOptions
}

func logsCommand() *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use:   "logs TASK",
		Short: "Print the output of a task's container",
		Long: `Print what a container of a task has written, both streams in order. TASK is an id
or an ARN. The output is kept on the container instance until the agent cleans
the stopped task up, three hours after it stopped.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := o.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			err = logdriver.Read(cmd.Context(), path, o.read, cmd.OutOrStdout())
			if errors.Is(err, context.Canceled) {
				return nil // Ctrl-C ends --follow
			}
			return err
		},
	}
	dataDirFlag(cmd, &o.dataDir)
	f := cmd.Flags()
	f.StringVar(&o.cluster, "cluster", "default", "`NAME` or ARN of the task's cluster")
	f.StringVarP(&o.container, "container", "c", "", "`NAME` of the container; needed if the task has several")
	f.IntVarP(&o.read.Tail, "tail", "n", 0, "only the last `LINES`; 0: all that is kept")
	f.BoolVarP(&o.read.Follow, "follow", "f", false, "go on with what comes")
	return cmd
}

// find returns the log file of the container: that of one of the instances of
// `slipway up`, whose agents keep their state in the data directory.
func (o *logsOptions) find(ctx context.Context, task string) (string, error) {
	c, err := client.Open(o.dataDir)
	if err != nil {
		return "", err
	}
	id, err := o.runtimeID(ctx, c, task)
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(o.dataDir, "instances", "*", "data", "logs", id+".log"))
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("no output of task %s is kept on this machine: %w", task, fs.ErrNotExist)
	}
	return found[0], nil
}

func (o *logsOptions) runtimeID(ctx context.Context, c *client.Client, task string) (string, error) {
	var out ecsshape.DescribeTasksOutput
	in := ecsshape.DescribeTasksInput{Cluster: &o.cluster, Tasks: []string{task}}
	if err := c.Call(ctx, "ecs", ecsshape.API.TargetPrefix+".DescribeTasks", in, &out); err != nil {
		return "", fmt.Errorf("describe the task: %w", err)
	}
	if len(out.Tasks) != 1 {
		return "", fmt.Errorf("no task %s in cluster %s", task, o.cluster)
	}
	var names []string
	for _, k := range out.Tasks[0].Containers {
		if o.container == *k.Name || o.container == "" && len(out.Tasks[0].Containers) == 1 {
			if k.RuntimeId == nil {
				return "", fmt.Errorf("container %s of task %s has not been created", *k.Name, task)
			}
			return *k.RuntimeId, nil
		}
		names = append(names, *k.Name)
	}
	return "", fmt.Errorf("name one of the task's containers with --container: %s", strings.Join(names, ", "))
}
