package ecsapi

import (
	"context"
	"slices"
	"strconv"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// clusterHandlers serve the operations of the Clusters group.
type clusterHandlers struct{ room *ecs.Room }

// registerClusters binds them.
func registerClusters(m *wire.Mux, room *ecs.Room) {
	h := clusterHandlers{room}
	wire.Handle(m, ecsshape.CreateCluster, h.create)
	wire.Handle(m, ecsshape.DescribeClusters, h.describe)
	wire.Handle(m, ecsshape.ListClusters, h.list)
	wire.Handle(m, ecsshape.DeleteCluster, h.remove)
	wire.Handle(m, ecsshape.UpdateCluster, h.update)
	wire.Handle(m, ecsshape.UpdateClusterSettings, h.updateSettings)
	wire.Handle(m, ecsshape.PutClusterCapacityProviders, h.putProviders)
}

func (h clusterHandlers) create(ctx context.Context, call *wire.Call, in *ecsshape.CreateClusterInput) (*ecsshape.CreateClusterOutput, error) {
	c, err := h.room.CreateCluster(ctx, scopeOf(call), ecs.CreateClusterRequest{
		Name:                   value(in.ClusterName),
		Settings:               in.Settings,
		Configuration:          in.Configuration,
		ServiceConnectDefaults: in.ServiceConnectDefaults,
		CapacityProviders:      in.CapacityProviders,
		DefaultStrategy:        in.DefaultCapacityProviderStrategy,
		Tags:                   tagsOf(in.Tags),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.CreateClusterOutput{Cluster: h.whole(c)}, nil
}

func (h clusterHandlers) update(ctx context.Context, call *wire.Call, in *ecsshape.UpdateClusterInput) (*ecsshape.UpdateClusterOutput, error) {
	c, err := h.room.UpdateCluster(ctx, scopeOf(call), ecs.UpdateClusterRequest{
		Cluster:                value(in.Cluster),
		Settings:               in.Settings,
		Configuration:          in.Configuration,
		ServiceConnectDefaults: in.ServiceConnectDefaults,
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.UpdateClusterOutput{Cluster: h.whole(c)}, nil
}

func (h clusterHandlers) updateSettings(ctx context.Context, call *wire.Call, in *ecsshape.UpdateClusterSettingsInput) (*ecsshape.UpdateClusterSettingsOutput, error) {
	c, err := h.room.UpdateCluster(ctx, scopeOf(call), ecs.UpdateClusterRequest{
		Cluster: value(in.Cluster), Settings: in.Settings,
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.UpdateClusterSettingsOutput{Cluster: h.whole(c)}, nil
}

func (h clusterHandlers) putProviders(ctx context.Context, call *wire.Call, in *ecsshape.PutClusterCapacityProvidersInput) (*ecsshape.PutClusterCapacityProvidersOutput, error) {
	c, err := h.room.PutClusterProviders(ctx, scopeOf(call), value(in.Cluster), in.CapacityProviders, in.DefaultCapacityProviderStrategy)
	if err != nil {
		return nil, err
	}
	return &ecsshape.PutClusterCapacityProvidersOutput{Cluster: h.whole(c)}, nil
}

func (h clusterHandlers) remove(ctx context.Context, call *wire.Call, in *ecsshape.DeleteClusterInput) (*ecsshape.DeleteClusterOutput, error) {
	c, err := h.room.DeleteCluster(ctx, scopeOf(call), value(in.Cluster))
	if err != nil {
		return nil, err
	}
	return &ecsshape.DeleteClusterOutput{Cluster: h.whole(c)}, nil
}

func (h clusterHandlers) describe(_ context.Context, call *wire.Call, in *ecsshape.DescribeClustersInput) (*ecsshape.DescribeClustersOutput, error) {
	views, missing, err := h.room.DescribeClusters(scopeOf(call), in.Clusters)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeClustersOutput{Clusters: []ecsshape.Cluster{}, Failures: missingShapes(missing)}
	for _, v := range views {
		out.Clusters = append(out.Clusters, clusterShape(v, in.Include))
	}
	return out, nil
}

func (h clusterHandlers) list(_ context.Context, call *wire.Call, in *ecsshape.ListClustersInput) (*ecsshape.ListClustersOutput, error) {
	arns, next, err := h.room.ListClusters(scopeOf(call), in.MaxResults, value(in.NextToken))
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListClustersOutput{ClusterArns: present(arns), NextToken: textOrAbsent(next)}, nil
}

// whole is a cluster as the operations that change one answer it: with all but
// its statistics.
func (h clusterHandlers) whole(c *ecs.Cluster) *ecsshape.Cluster {
	return new(clusterShape(h.room.ViewCluster(c), []string{
		ecsshape.ClusterFieldSettings, ecsshape.ClusterFieldConfigurations, ecsshape.ClusterFieldTags, ecsshape.ClusterFieldAttachments,
	}))
}

// clusterShape is a cluster as AWS describes it. What was not asked for with
// include is there, but empty.
func clusterShape(v ecs.ClusterView, include []string) ecsshape.Cluster {
	out := ecsshape.Cluster{
		ClusterArn:                        new(v.ARN()),
		ClusterName:                       &v.Name,
		Status:                            &v.Status,
		RegisteredContainerInstancesCount: new(int32(v.Instances)),
		RunningTasksCount:                 new(int32(v.Tasks.Running)),
		PendingTasksCount:                 new(int32(v.Tasks.Pending)),
		ActiveServicesCount:               new(int32(v.ActiveServices)),
		Statistics:                        []ecsshape.KeyValuePair{},
		Tags:                              []ecsshape.Tag{},
		Settings:                          []ecsshape.ClusterSetting{},
		CapacityProviders:                 present(v.CapacityProviders),
		DefaultCapacityProviderStrategy:   present(v.DefaultStrategy),
		ServiceConnectDefaults:            v.ServiceConnectDefaults,
	}
	if slices.Contains(include, ecsshape.ClusterFieldSettings) {
		out.Settings = settingsOf(v.Cluster)
	}
	if slices.Contains(include, ecsshape.ClusterFieldConfigurations) {
		out.Configuration = v.Configuration
	}
	if slices.Contains(include, ecsshape.ClusterFieldTags) {
		out.Tags = tagShapes(v.Tags)
	}
	if slices.Contains(include, ecsshape.ClusterFieldStatistics) {
		out.Statistics = statistics(v)
	}
	if slices.Contains(include, ecsshape.ClusterFieldAttachments) && len(v.CapacityProviders) > 0 {
		out.Attachments, out.AttachmentsStatus = []ecsshape.Attachment{}, new("UPDATE_COMPLETE")
	}
	return out
}

// settingsOf always shows containerInsights, whose default is disabled.
func settingsOf(c *ecs.Cluster) []ecsshape.ClusterSetting {
	if len(c.Settings) > 0 {
		return c.Settings
	}
	return []ecsshape.ClusterSetting{{Name: new(ecsshape.ClusterSettingNameContainerInsights), Value: new("disabled")}}
}

// statistics are the counts by launch type, in AWS's order. Everything here runs
// on EC2 or external instances.
func statistics(v ecs.ClusterView) []ecsshape.KeyValuePair {
	var out []ecsshape.KeyValuePair
	for _, s := range []struct {
		name  string
		count int
	}{
		{"runningEC2TasksCount", v.Tasks.Running - v.ExternalTasks.Running}, {"runningFargateTasksCount", 0},
		{"pendingEC2TasksCount", v.Tasks.Pending - v.ExternalTasks.Pending}, {"pendingFargateTasksCount", 0},
		{"runningExternalTasksCount", v.ExternalTasks.Running}, {"pendingExternalTasksCount", v.ExternalTasks.Pending},
		{"runningManagedInstancesTasksCount", 0}, {"pendingManagedInstancesTasksCount", 0},
		{"activeEC2ServiceCount", v.ActiveServices - v.ActiveExternal}, {"activeFargateServiceCount", 0},
		{"drainingEC2ServiceCount", v.DrainingServices - v.DrainingExternal}, {"drainingFargateServiceCount", 0},
		{"activeExternalServiceCount", v.ActiveExternal}, {"drainingExternalServiceCount", v.DrainingExternal},
		{"activeManagedInstancesServiceCount", 0}, {"drainingManagedInstancesServiceCount", 0},
	} {
		out = append(out, ecsshape.KeyValuePair{Name: &s.name, Value: new(strconv.Itoa(s.count))})
	}
	return out
}
