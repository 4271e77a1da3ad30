package ecs

import (
	"fmt"

	"github.com/slipway/slipway/internal/store"
)

// The tables of the room. Index values are made by the functions of the same
// name below, so that readers and writers cannot disagree.
var (
	Clusters = store.NewTable(store.Spec[Cluster]{Name: "ecs.clusters", Key: (*Cluster).Key})

	TaskDefinitions = store.NewTable(store.Spec[TaskDefinition]{
		Name: "ecs.taskdefinitions", Key: (*TaskDefinition).Key,
		Indexes: []store.Index[TaskDefinition]{
			{Name: IndexDefinitionsToDelete, Keys: func(d *TaskDefinition) []string {
				if d.Status != StatusDeleteInProgress {
					return nil
				}
				return []string{d.Status}
			}},
		},
	})
	Families = store.NewTable(store.Spec[Family]{Name: "ecs.families", Key: (*Family).Key})

	Instances = store.NewTable(store.Spec[ContainerInstance]{
		Name: "ecs.instances", Key: (*ContainerInstance).Key,
		Indexes: []store.Index[ContainerInstance]{
			{Name: IndexMachine, Keys: func(i *ContainerInstance) []string {
				if i.Status == StatusInactive {
					return nil
				}
				return []string{i.Scope.Key(i.EC2InstanceID)}
			}},
		},
	})
	Registrations = store.NewTable(store.Spec[Registration]{Name: "ecs.registrations", Key: (*Registration).Key})
	Allocations   = store.NewTable(store.Spec[Allocation]{Name: "ecs.allocations", Key: (*Allocation).Key})

	Tasks = store.NewTable(store.Spec[Task]{
		Name: "ecs.tasks", Key: (*Task).Key,
		Indexes: []store.Index[Task]{
			{Name: IndexDesired, Keys: func(t *Task) []string {
				return []string{t.Scope.Key(t.Cluster, t.DesiredStatus)}
			}},
			{Name: IndexInstance, Keys: func(t *Task) []string {
				if t.Ended() || t.Instance == "" {
					return nil
				}
				return []string{t.Scope.Key(t.Cluster, t.Instance)}
			}},
			{Name: IndexService, Keys: func(t *Task) []string {
				if t.Ended() || t.Service == "" {
					return nil
				}
				return []string{t.Scope.Key(t.Cluster, t.Service)}
			}},
			{Name: IndexGroup, Keys: func(t *Task) []string {
				if t.Ended() {
					return nil
				}
				return []string{t.Scope.Key(t.Cluster, t.Group)}
			}},
			{Name: IndexStartedBy, Keys: func(t *Task) []string {
				if t.StartedBy == "" {
					return nil
				}
				return []string{t.Scope.Key(t.Cluster, t.StartedBy)}
			}},
			{Name: IndexTaskDefinition, Keys: func(t *Task) []string {
				if t.Ended() {
					return nil
				}
				return []string{t.Scope.Key(t.Family, revisionKey(t.Revision))}
			}},
			{Name: IndexFamily, Keys: func(t *Task) []string {
				return []string{t.Scope.Key(t.Cluster, t.Family, t.DesiredStatus)}
			}},
			{Name: IndexCount, Keys: taskCountKeys},
			{Name: IndexUnnoted, Keys: func(t *Task) []string {
				if !t.DiedInService() || t.Noted {
					return nil
				}
				return []string{t.Scope.Key(t.Cluster, t.Service)}
			}},
		},
	})
	RunTokens = store.NewTable(store.Spec[RunToken]{Name: "ecs.runtokens", Key: (*RunToken).Key})

	Services = store.NewTable(store.Spec[Service]{
		Name: "ecs.services", Key: (*Service).Key,
		Indexes: []store.Index[Service]{
			{Name: IndexServiceStatus, Keys: func(s *Service) []string { return []string{s.Status} }},
			{Name: IndexDaemonServices, Keys: func(s *Service) []string {
				if s.Status != StatusActive || s.SchedulingStrategy != SchedulingDaemon {
					return nil
				}
				return []string{s.Scope.Key(s.Cluster)}
			}},
		},
	})
	ServiceEvents = store.NewTable(store.Spec[ServiceEvent]{Name: "ecs.serviceevents", Key: (*ServiceEvent).Key})
	Deployments   = store.NewTable(store.Spec[Deployment]{
		Name: "ecs.deployments", Key: (*Deployment).Key,
		Indexes: []store.Index[Deployment]{
			{Name: IndexDeploymentID, Keys: func(d *Deployment) []string { return []string{d.Scope.Key(d.ID)} }},
			{Name: IndexLiveDeployments, Keys: func(d *Deployment) []string {
				if d.Status == DeploymentInactive {
					return nil
				}
				return []string{d.Scope.Key(d.Cluster, d.Service)}
			}},
			{Name: IndexLongID, Keys: func(d *Deployment) []string {
				return []string{d.Scope.Key(d.Cluster, d.Service, d.LongID)}
			}},
		},
	})
	Revisions = store.NewTable(store.Spec[Revision]{Name: "ecs.revisions", Key: (*Revision).Key})

	Servers = store.NewTable(store.Spec[Server]{Name: "ecs.servers", Key: (*Server).Key})

	Settings = store.NewTable(store.Spec[AccountSetting]{Name: "ecs.settings", Key: (*AccountSetting).Key})
)

// Index names. Those of tasks that are marked "live" leave out STOPPED tasks.
const (
	IndexDesired        = "desired"        // Scope.Key(cluster, desiredStatus), every task
	IndexInstance       = "instance"       // Scope.Key(cluster, instance id), live
	IndexService        = "service"        // Scope.Key(cluster, service name), live
	IndexGroup          = "group"          // Scope.Key(cluster, group), live
	IndexStartedBy      = "startedBy"      // Scope.Key(cluster, startedBy), every task
	IndexTaskDefinition = "taskDefinition" // Scope.Key(family, revision key), live
	IndexUnnoted        = "unnoted"        // Scope.Key(cluster, service name), tasks that died and are not Noted
	IndexServiceStatus  = "status"         // Status, of services of all accounts
	IndexDaemonServices = "daemon"         // Scope.Key(cluster), ACTIVE services with a task on every instance
	IndexFamily         = "family"         // Scope.Key(cluster, family, desiredStatus), every task
	IndexCount          = "count"          // for CountTasks

	IndexDefinitionsToDelete = "toDelete" // DELETE_IN_PROGRESS, of every account
	IndexMachine             = "machine"  // Scope.Key(EC2 instance id), not INACTIVE

	IndexDeploymentID    = "id"     // Scope.Key(ecs-svc/N)
	IndexLiveDeployments = "live"   // Scope.Key(cluster, service name), PRIMARY and ACTIVE ones, in order of creation
	IndexLongID          = "longId" // Scope.Key(cluster, service name, id at the end of the service-deployment ARN)
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{
		Clusters, TaskDefinitions, Families, Instances, Registrations, Allocations, Tasks, RunTokens,
		Services, ServiceEvents, Deployments, Revisions, Settings, Servers,
	}
}

// Key is the event's store key: in order of time within its service.
func (e *ServiceEvent) Key() string {
	return e.Scope.Key(e.Cluster, e.Service, fmt.Sprintf("%019d", e.Seq))
}

// Key is the deployment's store key: in order of creation within its service.
func (d *Deployment) Key() string {
	return d.Scope.Key(d.Cluster, d.Service, fmt.Sprintf("%019d", d.Seq))
}
