package ec2_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/store"
)

var home = ec2.Scope{Account: "123456789012", Region: "us-east-1"}

func openRoom(t *testing.T, dir string, cfg ec2.Config) (*ec2.Room, *store.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: dir}, ec2.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return ec2.New(st, cfg), st
}

func TestDefaultVPC(t *testing.T) {
	dir := t.TempDir()
	room, st := openRoom(t, dir, ec2.Config{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := room.DefaultVPC(t.Context(), home); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	vpcs, err := room.VPCs(t.Context(), home)
	if err != nil || len(vpcs) != 1 || !vpcs[0].Default || vpcs[0].CIDR != ec2.DefaultCIDR {
		t.Fatalf("VPCs = %+v, %v; want one default", vpcs, err)
	}
	subnets, err := room.Subnets(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range subnets {
		got = append(got, n.Zone+" "+n.ZoneID+" "+n.CIDR.String())
		if n.VPC != vpcs[0].ID {
			t.Errorf("subnet %s is in %s", n.ID, n.VPC)
		}
	}
	want := "us-east-1a use1-az1 172.31.0.0/20, us-east-1b use1-az2 172.31.16.0/20, us-east-1c use1-az3 172.31.32.0/20"
	if strings.Join(got, ", ") != want {
		t.Errorf("subnets %v, want %s", got, want)
	}
	for _, other := range []ec2.Scope{{Account: home.Account, Region: "eu-west-1"}, {Account: "999999999999", Region: home.Region}} {
		if v, err := room.DefaultVPC(t.Context(), other); err != nil || v.ID == vpcs[0].ID {
			t.Errorf("%v has VPC %s (%v)", other, v.ID, err)
		}
	}

	st.Close()
	room, _ = openRoom(t, dir, ec2.Config{CIDR: netip.MustParsePrefix("10.0.0.0/16")})
	if v, err := room.DefaultVPC(t.Context(), home); err != nil || v != *vpcs[0] {
		t.Errorf("after a restart the default VPC is %+v (%v), want %+v", v, err, vpcs[0])
	}
}

func TestZones(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "use1-az1", "eu-central-1": "euc1-az1", "ap-southeast-2": "apse2-az1", "ap-northeast-1": "apne1-az1",
		"us-gov-west-1": "usgw1-az1", "ca-central-1": "cac1-az1", "me-south-1": "mes1-az1",
	} {
		if z := ec2.Zones(region)[0]; z.ID != want || z.Name != region+"a" {
			t.Errorf("first zone of %s is %+v, want %s", region, z, want)
		}
	}
}

func TestLaunchInstance(t *testing.T) {
	room, _ := openRoom(t, t.TempDir(), ec2.Config{})
	i, err := room.LaunchInstance(t.Context(), home, ec2.LaunchParams{Type: "t3.medium", Zone: "us-east-1b"})
	if err != nil {
		t.Fatal(err)
	}
	if i.PrivateIP.String() != "172.31.16.4" || i.PrivateDNS != "ip-172-31-16-4.ec2.internal" || i.State != ec2.Pending {
		t.Errorf("instance has %s, %s and is %s", i.PrivateIP, i.PrivateDNS, i.State)
	}
	far := ec2.Scope{Account: home.Account, Region: "eu-west-1"}
	j, err := room.LaunchInstance(t.Context(), far, ec2.LaunchParams{Type: "t3.medium", Zone: "eu-west-1a"})
	if err != nil || j.PrivateDNS != "ip-172-31-0-4.eu-west-1.compute.internal" {
		t.Errorf("instance of another region: %+v, %v", j, err)
	}
	if _, ok := room.Instance(far, i.ID); ok {
		t.Error("an instance is seen from another region")
	}

	for name, p := range map[string]ec2.LaunchParams{
		"no such type":           {Type: "t3.enormous", Zone: "us-east-1a"},
		"no such zone":           {Type: "t3.medium", Zone: "us-east-1z"},
		"no such subnet":         {Type: "t3.medium", Subnet: "subnet-0123456789abcdef0"},
		"other's subnet":         {Type: "t3.medium", Subnet: j.Subnet},
		"zone of another subnet": {Type: "t3.medium", Zone: "us-east-1a", Subnet: i.Subnet},
	} {
		if made, err := room.LaunchInstance(t.Context(), home, p); err == nil {
			t.Errorf("%s: launched %s", name, made.ID)
		}
	}
}

func TestAddressesAreGivenOutOnce(t *testing.T) {
	// A /26 leaves /28 subnets: 16 addresses, 5 of them AWS's own.
	room, _ := openRoom(t, t.TempDir(), ec2.Config{CIDR: netip.MustParsePrefix("10.1.2.0/26")})
	var mu sync.Mutex
	taken := map[netip.Addr]string{}
	refused := 0
	var wg sync.WaitGroup
	for range 14 {
		wg.Go(func() {
			i, err := room.LaunchInstance(t.Context(), home, ec2.LaunchParams{Type: "t3.micro", Zone: "us-east-1a"})
			mu.Lock()
			defer mu.Unlock()
			if e, ok := errors.AsType[*ec2.NoAddressError](err); ok && e.Subnet != "" {
				refused++
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			if other, twice := taken[i.PrivateIP]; twice {
				t.Errorf("%s and %s both have %s", other, i.ID, i.PrivateIP)
			}
			taken[i.PrivateIP] = i.ID
		})
	}
	wg.Wait()
	if len(taken) != 11 || refused != 3 {
		t.Fatalf("%d launched and %d refused, want 11 and 3", len(taken), refused)
	}
	for _, never := range []string{"10.1.2.0", "10.1.2.1", "10.1.2.2", "10.1.2.3", "10.1.2.15"} {
		if owner, ok := taken[netip.MustParseAddr(never)]; ok {
			t.Errorf("%s has the reserved address %s", owner, never)
		}
	}
	freed := netip.MustParseAddr("10.1.2.9")
	if err := room.Terminate(t.Context(), home, taken[freed]); err != nil {
		t.Fatal(err)
	}
	i, err := room.LaunchInstance(t.Context(), home, ec2.LaunchParams{Type: "t3.micro", Zone: "us-east-1a"})
	if err != nil || i.PrivateIP != freed {
		t.Errorf("after a termination: %+v, %v; want address %s", i, err, freed)
	}
}

func TestInstanceStates(t *testing.T) {
	room, _ := openRoom(t, t.TempDir(), ec2.Config{})
	all := []ec2.State{ec2.Pending, ec2.Running, ec2.Stopping, ec2.Stopped, ec2.ShuttingDown, ec2.Terminated}
	rapid.Check(t, func(rt *rapid.T) {
		i, err := room.LaunchInstance(t.Context(), home, ec2.LaunchParams{Type: "t3.micro", Zone: "us-east-1a"})
		if err != nil {
			rt.Fatal(err)
		}
		was := i.State
		for _, to := range rapid.SliceOfN(rapid.SampledFrom(all), 1, 6).Draw(rt, "states") {
			err := room.SetState(t.Context(), home, i.ID, to)
			now, ok := room.Instance(home, i.ID)
			switch {
			case !ok:
				rt.Fatal("the instance is gone")
			case err == nil && now.State != to:
				rt.Fatalf("set to %s, is %s", to, now.State)
			case err != nil && now.State != was:
				rt.Fatalf("refused to go to %s (%v), yet went from %s to %s", to, err, was, now.State)
			case was == ec2.Terminated && now.State != ec2.Terminated:
				rt.Fatalf("rose from the dead to %s", now.State)
			case err != nil && to == ec2.Terminated:
				rt.Fatalf("cannot be terminated from %s: %v", was, err)
			}
			was = now.State
		}
		if err := room.Terminate(t.Context(), home, i.ID); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestInstancesSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	room, st := openRoom(t, dir, ec2.Config{})
	made, err := room.LaunchInstance(t.Context(), home, ec2.LaunchParams{Type: "m5.large", Zone: "us-east-1c"})
	if err != nil {
		t.Fatal(err)
	}
	if err := room.SetState(t.Context(), home, made.ID, ec2.Running); err != nil {
		t.Fatal(err)
	}
	st.Close()
	room, _ = openRoom(t, dir, ec2.Config{})
	list := room.Instances(home)
	if len(list) != 1 || list[0].ID != made.ID || list[0].State != ec2.Running || list[0].PrivateIP != made.PrivateIP {
		t.Errorf("after a restart: %+v, want %+v running", list, made)
	}
}

func TestInstanceTypes(t *testing.T) {
	for name, want := range map[string]ec2.TypeSpec{
		"t3.medium":   {Name: "t3.medium", VCPUs: 2, MemoryMiB: 4096},
		"t2.micro":    {Name: "t2.micro", VCPUs: 1, MemoryMiB: 1024},
		"m5.24xlarge": {Name: "m5.24xlarge", VCPUs: 96, MemoryMiB: 393216},
		"c5.9xlarge":  {Name: "c5.9xlarge", VCPUs: 36, MemoryMiB: 73728},
		"c4.8xlarge":  {Name: "c4.8xlarge", VCPUs: 36, MemoryMiB: 61440},
		"r4.large":    {Name: "r4.large", VCPUs: 2, MemoryMiB: 15616},
		"r6i.xlarge":  {Name: "r6i.xlarge", VCPUs: 4, MemoryMiB: 32768},
		"m7i.large":   {Name: "m7i.large", VCPUs: 2, MemoryMiB: 8192},
		"m7a.medium":  {Name: "m7a.medium", VCPUs: 1, MemoryMiB: 4096},
	} {
		if got, ok := ec2.InstanceType(name); !ok || got != want {
			t.Errorf("InstanceType(%s) = %+v, %v; want %+v", name, got, ok, want)
		}
	}
	if got, ok := ec2.InstanceType("x9.huge"); ok {
		t.Errorf("x9.huge is %+v", got)
	}
}
