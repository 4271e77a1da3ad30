package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/instance"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ecs"
)

// startInstances makes the cluster and brings the instances of the default
// cluster to the number that was asked for: those of an earlier run come back
// with their ids and addresses, new ones are spread over the zones in turn, and
// the youngest go if there are too many.
func (u *up) startInstances(ctx context.Context) error {
	scope := ec2.Scope{Account: u.server.Root.Account, Region: u.cfg.Region}
	ecsScope := ecs.Scope{Account: scope.Account, Region: scope.Region}
	if _, err := u.server.ECS.CreateCluster(ctx, ecsScope, ecs.CreateClusterRequest{Name: u.cfg.Cluster}); err != nil {
		return fmt.Errorf("make cluster %s: %w", u.cfg.Cluster, err)
	}
	if err := u.makeHost(); err != nil {
		return err
	}
	wanted, err := u.wantedInstances(ctx, scope)
	if err != nil {
		return err
	}
	errs := make([]error, len(wanted))
	var wg sync.WaitGroup
	for n, i := range wanted {
		wg.Go(func() { errs[n] = u.launch(ctx, scope, i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (u *up) makeHost() error {
	groups, err := cgroup.Detect()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find my own executable: %w", err)
	}
	u.host = instance.NewHost(instance.Config{
		Name: u.home.Identity.Name, Dir: u.home.Dir + "/instances", RunDir: u.runDir(),
		Fabric: u.fabric, Cgroups: groups, Command: self, Purge: u.purge, Log: u.cfg.Log,
	})
	return nil
}

// wantedInstances returns the records of the instances that shall run.
func (u *up) wantedInstances(ctx context.Context, s ec2.Scope) ([]*ec2.Instance, error) {
	var have []*ec2.Instance
	for _, i := range u.server.EC2.Instances(s) {
		if i.State != ec2.Terminated {
			have = append(have, i)
		}
	}
	slices.SortFunc(have, func(a, b *ec2.Instance) int { return a.LaunchedAt.Compare(b.LaunchedAt) })
	for len(have) > u.cfg.Instances {
		last := have[len(have)-1]
		have = have[:len(have)-1]
		if err := u.retire(ctx, s, last); err != nil {
			return nil, err
		}
	}
	zones := ec2.Zones(s.Region)
	for len(have) < u.cfg.Instances {
		i, err := u.server.EC2.LaunchInstance(ctx, s, ec2.LaunchParams{
			Type: u.cfg.InstanceType, Zone: emptiest(have, zones),
		})
		if err != nil {
			return nil, err
		}
		have = append(have, i)
	}
	return have, nil
}

// emptiest is the first of the zones with the fewest instances.
func emptiest(have []*ec2.Instance, zones [3]ec2.Zone) string {
	count := map[string]int{}
	for _, i := range have {
		count[i.Zone]++
	}
	best := zones[0].Name
	for _, z := range zones[1:] {
		if count[z.Name] < count[best] {
			best = z.Name
		}
	}
	return best
}

// retire ends an instance that a user no longer wants.
func (u *up) retire(ctx context.Context, s ec2.Scope, i *ec2.Instance) error {
	if err := u.server.ECS.TerminateInstance(ctx, ecs.Scope{Account: s.Account, Region: s.Region}, i.ID); err != nil {
		return fmt.Errorf("retire %s: %w", i.ID, err)
	}
	if err := u.server.EC2.Terminate(ctx, s, i.ID); err != nil {
		return fmt.Errorf("retire %s: %w", i.ID, err)
	}
	return u.host.Terminate(ctx, i.ID)
}

func (u *up) launch(ctx context.Context, s ec2.Scope, i *ec2.Instance) error {
	spec, err := u.instanceSpec(ctx, s, i)
	if err != nil {
		return err
	}
	if err := u.host.Launch(ctx, spec); err != nil {
		return err
	}
	return u.server.EC2.SetState(ctx, s, i.ID, ec2.Running)
}

func (u *up) instanceSpec(ctx context.Context, s ec2.Scope, i *ec2.Instance) (instance.Spec, error) {
	kind, ok := ec2.InstanceType(i.Type)
	if !ok {
		return instance.Spec{}, fmt.Errorf("instance %s is of unknown type %s", i.ID, i.Type)
	}
	key, err := u.server.IAM.IssueInstanceKey(ctx, s.Account, i.ID)
	if err != nil {
		return instance.Spec{}, fmt.Errorf("make the key of %s: %w", i.ID, err)
	}
	mac, err := net.ParseMAC(i.MAC)
	if err != nil {
		return instance.Spec{}, fmt.Errorf("instance %s: %w", i.ID, err)
	}
	// What stands in for EFS is everybody's, and outlives the instances.
	env, err := agentEnv(os.Environ(), filepath.Join(u.home.Dir, "efs"), u.fabric.Gateway().String())
	if err != nil {
		return instance.Spec{}, fmt.Errorf("make the environment of %s: %w", i.ID, err)
	}
	return instance.Spec{
		ID: i.ID, Addr: i.PrivateIP, MAC: mac,
		CPU: int64(kind.VCPUs) * 1024, Memory: int64(kind.MemoryMiB),
		Env: append(env,
			"PATH="+os.Getenv("PATH"),
			"ECS_CLUSTER="+u.cfg.Cluster,
			"ECS_BACKEND_HOST=http://"+u.inner(),
			"ECS_DATADIR="+u.host.Dir(i.ID)+"/data",
			"AWS_DEFAULT_REGION="+s.Region,
			"AWS_ACCESS_KEY_ID="+key.ID,
			"AWS_SECRET_ACCESS_KEY="+key.Secret,
			"AWS_SESSION_TOKEN="+key.SessionToken,
		),
		Args: []string{
			"agent", "--instance-id", i.ID, "--instance-type", i.Type, "--availability-zone", i.Zone,
			"--cpu", fmt.Sprint(int64(kind.VCPUs) * 1024), "--memory", fmt.Sprint(agentMemory(int64(kind.MemoryMiB))),
			"--containerd", u.containerd.socket, "--containerd-namespace", u.containerd.namespace,
			"--cgroup", u.host.Cgroup(i.ID), "--run-dir", u.host.RunDir(i.ID) + "/agent",
		},
	}, nil
}

// agentMemory is what an instance offers to tasks: like on EC2, a little less
// than its type says, for the agent itself lives in it too.
func agentMemory(mib int64) int64 { return mib - max(mib*3/100, 48) }

// purge removes every container of an instance.
func (u *up) purge(ctx context.Context, id string) error {
	rt, err := runtime.Open(ctx, runtime.Config{
		Socket: u.containerd.socket, Namespace: u.containerd.namespace, Instance: id, Cgroup: u.host.Cgroup(id),
		RunDir: u.host.RunDir(id) + "/agent/pipes", Log: u.cfg.Log,
	})
	if err != nil {
		return fmt.Errorf("remove the containers of %s: %w", id, err)
	}
	return errors.Join(rt.Purge(ctx), rt.Close())
}

// ready waits until every instance is ACTIVE and connected, and says so.
func (u *up) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	scope := ecs.Scope{Account: u.server.Root.Account, Region: u.cfg.Region}
	if err := u.server.ECS.AwaitConnected(ctx, scope, u.cfg.Cluster, u.cfg.Instances); err != nil {
		return fmt.Errorf("wait for the instances' agents (their logs are instances/*/agent.log in the data directory): %w", err)
	}
	_, err := fmt.Fprintf(u.cfg.Stdout, "ready: %d container instances in cluster %s; in another shell: eval \"$(slipway env --data-dir %s)\"\n",
		u.cfg.Instances, u.cfg.Cluster, u.home.Dir)
	return err
}
