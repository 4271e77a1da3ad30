package ecsapi_test

import (
	"fmt"
	"net/http"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func (d *door) cluster(t *testing.T, name string) *types.Cluster {
	t.Helper()
	out, err := d.CreateCluster(t.Context(), &sdk.CreateClusterInput{ClusterName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.Cluster
}

func TestCreateClusterAnswersAsAWS(t *testing.T) {
	d := openDoor(t)
	status, answer := d.post(t, "CreateCluster", []byte(`{"clusterName":"fargate-testing"}`))
	want := `{"cluster":{"activeServicesCount":0,"capacityProviders":[],"clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/fargate-testing",` +
		`"clusterName":"fargate-testing","defaultCapacityProviderStrategy":[],"pendingTasksCount":0,"registeredContainerInstancesCount":0,"runningTasksCount":0,` +
		`"settings":[{"name":"containerInsights","value":"disabled"}],"statistics":[],"status":"ACTIVE","tags":[]}}`
	if status != http.StatusOK || string(answer) != want {
		t.Errorf("status %d\n%s\nwant\n%s", status, answer, want)
	}
}

func TestClusterLife(t *testing.T) {
	d := openDoor(t)
	made, err := d.CreateCluster(t.Context(), &sdk.CreateClusterInput{
		Tags: []types.Tag{{Key: new("team"), Value: new("web")}},
		Configuration: &types.ClusterConfiguration{
			ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{Logging: types.ExecuteCommandLoggingNone},
		},
	})
	if err != nil || *made.Cluster.ClusterName != "default" {
		t.Fatalf("made %v, %v", made, err)
	}
	again, err := d.CreateCluster(t.Context(), &sdk.CreateClusterInput{ClusterName: new("default")})
	if err != nil || len(again.Cluster.Tags) != 1 {
		t.Errorf("the second creation answers %v, %v", again, err)
	}
	d.cluster(t, "other")

	described, err := d.DescribeClusters(t.Context(), &sdk.DescribeClustersInput{
		Clusters: []string{"default", "nobody", *made.Cluster.ClusterArn, "arn:aws:ecs:us-east-1:" + secondAccount + ":cluster/default"},
	})
	if err != nil || len(described.Clusters) != 2 || len(described.Failures) != 2 {
		t.Fatalf("described %v, %v", described, err)
	}
	if f := described.Failures[0]; *f.Reason != "MISSING" || *f.Arn != "arn:aws:ecs:us-east-1:123456789012:cluster/nobody" {
		t.Errorf("failure %v", f)
	}
	if c := described.Clusters[0]; len(c.Tags)+len(c.Settings)+len(c.Statistics) > 0 || c.Configuration != nil {
		t.Errorf("described more than asked for: %+v", c)
	}
	whole, err := d.DescribeClusters(t.Context(), &sdk.DescribeClustersInput{Include: types.ClusterField("").Values()})
	if err != nil || len(whole.Clusters) != 1 {
		t.Fatalf("described %v, %v", whole, err)
	}
	if c := whole.Clusters[0]; len(c.Tags) != 1 || len(c.Settings) != 1 || len(c.Statistics) != 16 || c.Configuration == nil {
		t.Errorf("described less than asked for: %+v", c)
	}

	listed, err := d.ListClusters(t.Context(), &sdk.ListClustersInput{})
	if err != nil || len(listed.ClusterArns) != 2 {
		t.Errorf("listed %v, %v", listed, err)
	}
	gone, err := d.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: new("other")})
	if err != nil || *gone.Cluster.Status != "INACTIVE" {
		t.Errorf("deleted %v, %v", gone, err)
	}
	if listed, err = d.ListClusters(t.Context(), &sdk.ListClustersInput{}); err != nil || len(listed.ClusterArns) != 1 {
		t.Errorf("listed %v, %v", listed, err)
	}
	still, err := d.DescribeClusters(t.Context(), &sdk.DescribeClustersInput{Clusters: []string{"other"}})
	if err != nil || len(still.Clusters) != 1 || *still.Clusters[0].Status != "INACTIVE" {
		t.Errorf("an INACTIVE cluster is described as %v, %v", still, err)
	}
	_, err = d.UpdateCluster(t.Context(), &sdk.UpdateClusterInput{Cluster: new("other")})
	wantError(t, err, "ClusterNotFoundException", "The referenced cluster was inactive.")
	if c := d.cluster(t, "other"); *c.Status != "ACTIVE" {
		t.Errorf("revived as %v", c)
	}
	_, err = d.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: new("nobody")})
	wantError(t, err, "ClusterNotFoundException", "Cluster not found.")
	_, err = d.CreateCluster(t.Context(), &sdk.CreateClusterInput{ClusterName: new("a.b")})
	wantError(t, err, "InvalidParameterException", `Cluster must match ^[a-zA-Z0-9\-_]{1,255}$, but was a.b`)
}

func TestClustersOfAccountsAreApart(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "mine")
	theirs := d.as(secondAccount)
	out, err := theirs.ListClusters(t.Context(), &sdk.ListClustersInput{})
	if err != nil || len(out.ClusterArns) != 0 {
		t.Errorf("another account lists %v, %v", out, err)
	}
	_, err = theirs.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: new("arn:aws:ecs:us-east-1:" + firstAccount + ":cluster/mine")})
	wantError(t, err, "ClusterNotFoundException", "Cluster not found.")
}

func TestListClustersPageByPage(t *testing.T) {
	d := openDoor(t)
	var want []string
	for i := range 7 {
		want = append(want, *d.cluster(t, fmt.Sprintf("c%d", i)).ClusterArn)
	}
	var got []string
	pages := sdk.NewListClustersPaginator(d, &sdk.ListClustersInput{MaxResults: new(int32(3))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.ClusterArns...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err := d.ListClusters(t.Context(), &sdk.ListClustersInput{MaxResults: new(int32(101))})
	wantError(t, err, "InvalidParameterException", "maxResults must be between 1 and 100.")
	if _, err := d.ListClusters(t.Context(), &sdk.ListClustersInput{NextToken: new("nonsense")}); err == nil {
		t.Error("a made-up token is taken")
	}
}

func TestClusterSettingsAndProviders(t *testing.T) {
	d := openDoor(t)
	d.cluster(t, "default")
	set, err := d.UpdateClusterSettings(t.Context(), &sdk.UpdateClusterSettingsInput{
		Cluster: new("default"), Settings: []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: new("enhanced")}},
	})
	if err != nil || *set.Cluster.Settings[0].Value != "enhanced" {
		t.Errorf("set %v, %v", set, err)
	}
	_, err = d.UpdateClusterSettings(t.Context(), &sdk.UpdateClusterSettingsInput{
		Cluster: new("default"), Settings: []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: new("maybe")}},
	})
	wantError(t, err, "InvalidParameterException", "Invalid cluster setting value: maybe")

	put, err := d.PutClusterCapacityProviders(t.Context(), &sdk.PutClusterCapacityProvidersInput{
		Cluster: new("default"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE"), Weight: 1}},
	})
	if err != nil || len(put.Cluster.CapacityProviders) != 2 || *put.Cluster.AttachmentsStatus != "UPDATE_COMPLETE" {
		t.Errorf("put %v, %v", put, err)
	}
	_, err = d.PutClusterCapacityProviders(t.Context(), &sdk.PutClusterCapacityProvidersInput{
		Cluster: new("default"), CapacityProviders: []string{"mine"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{},
	})
	wantError(t, err, "InvalidParameterException", "The specified capacity provider mine was not found.")
	off, err := d.PutClusterCapacityProviders(t.Context(), &sdk.PutClusterCapacityProvidersInput{
		Cluster: new("default"), CapacityProviders: []string{}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{},
	})
	if err != nil || len(off.Cluster.CapacityProviders) != 0 {
		t.Errorf("put %v, %v", off, err)
	}

	all, err := d.DescribeCapacityProviders(t.Context(), &sdk.DescribeCapacityProvidersInput{})
	if err != nil || len(all.CapacityProviders) != 2 || *all.CapacityProviders[0].Name != "FARGATE" || all.CapacityProviders[1].Status != types.CapacityProviderStatusActive {
		t.Errorf("described %v, %v", all, err)
	}
	first, err := d.DescribeCapacityProviders(t.Context(), &sdk.DescribeCapacityProvidersInput{MaxResults: new(int32(1))})
	if err != nil || len(first.CapacityProviders) != 1 || first.NextToken == nil {
		t.Fatalf("described %v, %v", first, err)
	}
	second, err := d.DescribeCapacityProviders(t.Context(), &sdk.DescribeCapacityProvidersInput{MaxResults: new(int32(1)), NextToken: first.NextToken})
	if err != nil || *second.CapacityProviders[0].Name != "FARGATE_SPOT" || second.NextToken != nil {
		t.Errorf("described %v, %v", second, err)
	}
	named, err := d.DescribeCapacityProviders(t.Context(), &sdk.DescribeCapacityProvidersInput{CapacityProviders: []string{"FARGATE_SPOT", "mine"}})
	if err != nil || len(named.CapacityProviders) != 1 || *named.Failures[0].Arn != "arn:aws:ecs:us-east-1:123456789012:capacity-provider/mine" {
		t.Errorf("described %v, %v", named, err)
	}
}
