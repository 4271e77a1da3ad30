//go:build e2e

package e2e

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway/slipway/test/harness"
)

// newAccount makes an account with the command of the binary.
func (s *site) newAccount(t *testing.T) harness.Key {
	t.Helper()
	key, err := s.slipway.NewAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(key.AccountID) != 12 || key.AccessKeyID == "" || key.SecretAccessKey == "" || key.AccountID == s.key.AccountID {
		t.Fatalf("account create printed %+v", key)
	}
	return key
}

func TestFreshAccountIsEmpty(t *testing.T) {
	t.Parallel()
	s := shared
	s.register(t, "elsewhere", s.web("web"))
	c := s.slipway.Clients(s.newAccount(t), region)
	ctx := t.Context()

	clusters, err := c.ECS.ListClusters(ctx, &ecs.ListClustersInput{})
	if err != nil || len(clusters.ClusterArns) != 0 {
		t.Errorf("clusters %v, %v", clusters, err)
	}
	definitions, err := c.ECS.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{})
	if err != nil || len(definitions.TaskDefinitionArns) != 0 {
		t.Errorf("task definitions %v, %v", definitions, err)
	}
	repositories, err := c.ECR.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
	if err != nil || len(repositories.Repositories) != 0 {
		t.Errorf("repositories %v, %v", repositories, err)
	}
	instances, err := c.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	if err != nil || len(instances.Reservations) != 0 {
		t.Errorf("instances %v, %v", instances, err)
	}
	_, err = c.ECS.ListTasks(ctx, &ecs.ListTasksInput{})
	assertCode(t, err, "ClusterNotFoundException")
	_, err = c.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("elsewhere")})
	assertCode(t, err, "ClientException")
}

func TestSameNamesInAccountsAndRegions(t *testing.T) {
	t.Parallel()
	s := shared
	one, two := s.newAccount(t), s.newAccount(t)
	places := []struct {
		name    string
		clients harness.Clients
		prefix  string
	}{
		{"first account", s.slipway.Clients(one, region), "arn:aws:ecs:" + region + ":" + one.AccountID + ":"},
		{"second account", s.slipway.Clients(two, region), "arn:aws:ecs:" + region + ":" + two.AccountID + ":"},
		{"second region", s.slipway.Clients(one, "eu-west-1"), "arn:aws:ecs:eu-west-1:" + one.AccountID + ":"},
	}
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			cluster, err := p.clients.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("same")})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := *cluster.Cluster.ClusterArn, p.prefix+"cluster/same"; got != want {
				t.Errorf("cluster %s, want %s", got, want)
			}
			definition, err := p.clients.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
				Family: aws.String("same"), ContainerDefinitions: []types.ContainerDefinition{s.web("web")},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := *definition.TaskDefinition.TaskDefinitionArn, p.prefix+"task-definition/same:1"; got != want {
				t.Errorf("task definition %s, want %s: the other places' revisions count here", got, want)
			}
			service, err := p.clients.ECS.CreateService(t.Context(), &ecs.CreateServiceInput{
				Cluster: aws.String("same"), ServiceName: aws.String("same"), TaskDefinition: aws.String("same"), DesiredCount: aws.Int32(0),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := *service.Service.ServiceArn, p.prefix+"service/same/same"; got != want {
				t.Errorf("service %s, want %s", got, want)
			}
			list, err := p.clients.ECS.ListClusters(t.Context(), &ecs.ListClustersInput{})
			if err != nil || len(list.ClusterArns) != 1 {
				t.Errorf("clusters %v, %v", list.ClusterArns, err)
			}
			_, err = p.clients.ECS.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("same"), TaskDefinition: aws.String("same")})
			assertCode(t, err, "InvalidParameterException")
			if err != nil && !strings.Contains(err.Error(), "No Container Instances were found in your cluster.") {
				t.Errorf("got %v: another account's instances are of no use", err)
			}
		})
	}
}

func TestAccountsCannotTouchEachOther(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.register(t, "private", s.web("web", "sleep", "3600"))
	arn := s.run(t, definition)
	s.await(t, arn, "RUNNING")
	stranger := s.slipway.Clients(s.newAccount(t), region)
	if _, err := stranger.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	cluster := s.machines(t)
	var foreign string
	for foreign = range cluster {
		break
	}
	described, err := stranger.ECS.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: []string{arn}})
	if err == nil && len(described.Tasks) != 0 {
		t.Errorf("a stranger sees the task: %+v", described.Tasks)
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	described, err = stranger.ECS.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: []string{id}})
	if err != nil || len(described.Tasks) != 0 || len(described.Failures) != 1 || aws.ToString(described.Failures[0].Reason) != "MISSING" {
		t.Errorf("by its id: %+v, %v", described, err)
	}
	for name, call := range map[string]func() error{
		"StopTask by ARN": func() error {
			_, err := stranger.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &arn})
			return err
		},
		"StopTask by id": func() error {
			_, err := stranger.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &id})
			return err
		},
		"StopTask in the cluster": func() error {
			cluster := "arn:aws:ecs:" + region + ":" + s.key.AccountID + ":cluster/default"
			_, err := stranger.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: &cluster, Task: &arn})
			return err
		},
		"RunTask of the definition": func() error {
			_, err := stranger.ECS.RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: &definition})
			return err
		},
		"DeregisterTaskDefinition": func() error {
			_, err := stranger.ECS.DeregisterTaskDefinition(t.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &definition})
			return err
		},
		"DeregisterContainerInstance": func() error {
			_, err := stranger.ECS.DeregisterContainerInstance(t.Context(), &ecs.DeregisterContainerInstanceInput{
				ContainerInstance: &foreign, Force: aws.Bool(true),
			})
			return err
		},
	} {
		if err := call(); err == nil {
			t.Errorf("a stranger's %s succeeds", name)
		}
	}
	if task := s.describe(t, arn); aws.ToString(task.LastStatus) != "RUNNING" || aws.ToString(task.DesiredStatus) != "RUNNING" {
		t.Errorf("the task is touched: %v", taskView{task})
	}

	image := s.web("web")
	if _, err := harness.PushImage(t.Context(), stranger, "web", "1", webImage); err != nil {
		t.Errorf("a repository with a name that another account has: %v", err)
	}
	images, err := stranger.ECR.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("web")})
	if err != nil || len(images.ImageIds) != 1 {
		t.Errorf("images %+v, %v (ours is %s)", images, err, *image.Image)
	}
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	fresh := shared.newAccount(t)
	for _, key := range []harness.Key{shared.key, fresh} {
		out, err := shared.slipway.Clients(key, region).STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != key.AccountID || *out.Arn != "arn:aws:iam::"+key.AccountID+":root" || *out.UserId != key.AccountID {
			t.Errorf("%s is %s, %s, %s", key.AccountID, *out.Account, *out.Arn, *out.UserId)
		}
	}
}

func TestEC2ShowsTheMachines(t *testing.T) {
	t.Parallel()
	c, ctx := shared.aws.EC2, t.Context()
	zones, err := c.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var zoneNames []string
	for _, z := range zones.AvailabilityZones {
		zoneNames = append(zoneNames, *z.ZoneName)
	}
	if want := []string{"us-east-1a", "us-east-1b", "us-east-1c"}; !slices.Equal(zoneNames, want) {
		t.Errorf("zones %v, want %v", zoneNames, want)
	}
	vpcs, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	if err != nil || len(vpcs.Vpcs) != 1 || !*vpcs.Vpcs[0].IsDefault {
		t.Fatalf("VPCs %+v, %v", vpcs, err)
	}
	cidr := netip.MustParsePrefix(*vpcs.Vpcs[0].CidrBlock)
	subnets, err := c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	if err != nil || len(subnets.Subnets) != 3 {
		t.Fatalf("subnets %+v, %v", subnets, err)
	}
	of := map[string]netip.Prefix{}
	for _, s := range subnets.Subnets {
		p := netip.MustParsePrefix(*s.CidrBlock)
		of[*s.SubnetId] = p
		if !cidr.Overlaps(p) || *s.VpcId != *vpcs.Vpcs[0].VpcId || !slices.Contains(zoneNames, *s.AvailabilityZone) {
			t.Errorf("subnet %s %s of VPC %s %s", *s.SubnetId, p, *s.VpcId, cidr)
		}
	}
	machines := shared.machines(t)
	if len(machines) != 3 {
		t.Errorf("the cluster has %d container instances", len(machines))
	}
	seen := map[string]bool{}
	for _, m := range machines {
		out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{m.instance}})
		if err != nil {
			t.Fatal(err)
		}
		i := out.Reservations[0].Instances[0]
		if !of[*i.SubnetId].Contains(netip.MustParseAddr(m.address)) || string(i.InstanceType) != "t3.medium" || string(i.State.Name) != "running" {
			t.Errorf("instance %s: %s in %s, %s, %s", m.instance, m.address, of[*i.SubnetId], i.InstanceType, i.State.Name)
		}
		seen[m.zone] = true
	}
	if len(seen) != 3 {
		t.Errorf("the instances are in the zones %v", seen)
	}
	_, err = c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0123456789abcdef0"}})
	assertCode(t, err, "InvalidInstanceID.NotFound")
}
