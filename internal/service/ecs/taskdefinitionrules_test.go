package ecs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// parsed reads a task definition as a user writes it.
func parsed(t testing.TB, text string) ecsshape.TaskDefinition {
	t.Helper()
	var d ecsshape.TaskDefinition
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

// definition is one of a container with the given members besides its name and
// image, and of the given members of the task.
func definition(container, task string) string {
	return `{"family":"f","containerDefinitions":[{"name":"c","image":"i"` + comma(container) + `}]` + comma(task) + `}`
}

func comma(members string) string {
	if members == "" {
		return ""
	}
	return "," + members
}

const fargateTask = `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512"`

func containers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"name":"c%d","image":"i","memory":4}`, i)
	}
	return `{"family":"f","containerDefinitions":[` + strings.Join(list, ",") + `]}`
}

// TestTaskDefinitionRules names each rule; an empty want means accepted.
func TestTaskDefinitionRules(t *testing.T) {
	const (
		big    = `"memory":128`
		noCPU  = "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
		noSize = "No Fargate configuration exists for given values."
	)
	for _, tc := range []struct{ name, input, want string }{
		{"smallest", definition(big, ""), ""},
		{"family missing", `{"containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, "Family should not be null or empty."},
		{"family with a space", `{"family":"a b","containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, "Family contains invalid characters."},
		{"family of 255 characters", `{"family":"` + strings.Repeat("a", 255) + `","containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, ""},
		{"family of 256 characters", `{"family":"` + strings.Repeat("a", 256) + `","containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, "Family contains invalid characters."},
		{"no containers", `{"family":"f","containerDefinitions":[]}`, "Container list cannot be empty."},
		{"10 containers", containers(10), ""},
		{"11 containers", containers(11), "Too many containers."},
		{"size", definition(big+`,"command":["`+strings.Repeat("x", 70000)+`"]`, ""), "Actual length: '70092'. Max allowed length is '65536' bytes."},

		{"container name missing", `{"family":"f","containerDefinitions":[{"image":"i","memory":4}]}`, "Container.name should not be null or empty."},
		{"container name with a dot", `{"family":"f","containerDefinitions":[{"name":"a.b","image":"i","memory":4}]}`, "Container.name contains invalid characters."},
		{"container names twice", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4},{"name":"a","image":"i","memory":4}]}`, "Container names must be unique within a Task Definition."},
		{"image missing", `{"family":"f","containerDefinitions":[{"name":"c","memory":4}]}`, "Container.image should not be null or empty."},
		{"image with a space", `{"family":"f","containerDefinitions":[{"name":"c","image":"a b","memory":4}]}`, "Container.image contains invalid characters."},
		{"image by digest", `{"family":"f","containerDefinitions":[{"name":"c","image":"r:5000/a/b@sha256:` + strings.Repeat("0", 64) + `","memory":4}]}`, ""},
		{"image of 255 characters and a digest", `{"family":"f","containerDefinitions":[{"name":"c","image":"` + strings.Repeat("a", 255) + `@sha256:` + strings.Repeat("0", 64) + `","memory":4}]}`, ""},
		{"no essential container", definition(big+`,"essential":false`, ""), "Task definition doesn't have any essential container."},

		{"no memory at all", definition("", ""), "Invalid setting for container 'c'. At least one of 'memory' or 'memoryReservation' must be specified."},
		{"reservation alone", definition(`"memoryReservation":64`, ""), ""},
		{"memory at the task alone", definition("", `"memory":"512"`), ""},
		{"memory below reservation", definition(`"memory":64,"memoryReservation":128`, ""), "Invalid setting for container 'c'. 'memory' must be greater than or equal to 'memoryReservation'."},
		{"memory equal to reservation", definition(`"memory":64,"memoryReservation":64`, ""), ""},
		{"too little memory", definition(`"memory":3`, ""), "Invalid 'memory' setting for container 'c'."},
		{"container above task memory", definition(`"memory":1024`, `"memory":"512"`), "The 'memory' setting for container 'c' is greater than for the task."},
		{"sum above task memory", `{"family":"f","memory":"512","containerDefinitions":[{"name":"a","image":"i","memory":300},{"name":"b","image":"i","memory":300}]}`, "The sum of all container 'memory' values cannot be greater than the value of the task 'memory'."},
		{"sum above task cpu", definition(big+`,"cpu":512`, `"cpu":"256"`), "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."},
		{"negative cpu", definition(big+`,"cpu":-1`, ""), "Invalid 'cpu' setting for container 'c'."},

		{"1 vCPU and 2GB", definition("", `"cpu":"1 vCPU","memory":"2GB"`), ""},
		{"0.5 vcpu", definition("", `"cpu":"0.5 vcpu","memory":"0.5 gb"`), ""},
		{"task cpu 127", definition(big, `"cpu":"127"`), noCPU},
		{"task cpu 128", definition(big, `"cpu":"128"`), ""},
		{"task cpu 196608", definition(big, `"cpu":"196608"`), ""},
		{"task cpu 196609", definition(big, `"cpu":"196609"`), noCPU},
		{"task cpu is no number", definition(big, `"cpu":"lots"`), noCPU},
		{"task cpu empty", definition(big, `"cpu":""`), noCPU},
		{"task memory is no number", definition(big, `"memory":"2 elephants"`), "Invalid 'memory' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."},

		{"Fargate", definition("", fargateTask), ""},
		{"Fargate in bridge mode", definition("", `"requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512"`), "Fargate only supports network mode ‘awsvpc’."},
		{"Fargate without cpu", definition("", `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","memory":"512"`), "Fargate requires that 'cpu' be defined at the task level."},
		{"Fargate without memory", definition(big, `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256"`), "Fargate requires that 'memory' be defined at the task level."},
		{"Fargate of no size", definition("", `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"4096"`), noSize},
		{"Fargate logs without a role", definition(`"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r","awslogs-stream-prefix":"p"}}`, fargateTask), "Fargate requires task definition to have execution role ARN to support log driver awslogs."},
		{"Fargate ECR image without a role", `{"family":"f","containerDefinitions":[{"name":"c","image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/a"}],` + fargateTask + `}`, "Fargate requires task definition to have execution role ARN to support ECR images."},
		{"Fargate secrets without a role", definition(`"secrets":[{"name":"A","valueFrom":"b"}]`, fargateTask), "Fargate requires task definition to have execution role ARN to support secrets."},
		{"Fargate logs without a prefix", definition(`"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r"}}`, fargateTask+`,"executionRoleArn":"r"`), "Log driver awslogs requires options: awslogs-stream-prefix"},
		{"Fargate privileged", definition(`"privileged":true`, fargateTask), "Tasks using the Fargate launch type do not support privileged containers."},
		{"Fargate links", definition(`"links":["d"]`, fargateTask), "Links are not supported when networkMode=awsvpc."},
		{"Fargate host volume", definition("", fargateTask+`,"volumes":[{"name":"v","host":{"sourcePath":"/x"}}]`), "Tasks using the Fargate launch type do not support host.sourcePath in volumes."},
		{"Fargate bind mount", definition("", fargateTask+`,"volumes":[{"name":"v"}]`), ""},
		{"Fargate Docker volume", definition("", fargateTask+`,"volumes":[{"name":"v","dockerVolumeConfiguration":{}}]`), "Tasks using the Fargate launch type do not support the configuration of volume 'v'."},
		{"Fargate devices", definition(`"linuxParameters":{"devices":[{"hostPath":"/dev/x"}]}`, fargateTask), "Tasks using the Fargate launch type do not support devices."},
		{"Fargate ipcMode", definition("", fargateTask+`,"ipcMode":"task"`), "Tasks using the Fargate launch type do not support ipcMode."},
		{"Fargate pidMode host", definition("", fargateTask+`,"pidMode":"host"`), "Tasks using the Fargate launch type do not support pidMode 'host'."},
		{"Fargate pidMode task", definition("", fargateTask+`,"pidMode":"task"`), ""},
		{"Fargate placement constraints", definition("", fargateTask+`,"placementConstraints":[{"type":"memberOf","expression":"attribute:a == b"}]`), "Tasks using the Fargate launch type do not support placement constraints."},
		{"Fargate dockerSecurityOptions", definition(`"dockerSecurityOptions":["no-new-privileges"]`, fargateTask), "Tasks using the Fargate launch type do not support dockerSecurityOptions."},
		{"Fargate GPU", definition(`"resourceRequirements":[{"type":"GPU","value":"1"}]`, fargateTask), "Tasks using the Fargate launch type do not support GPU resource requirements."},
		{"Fargate syslog", definition(`"logConfiguration":{"logDriver":"syslog"}`, fargateTask), "Tasks using the Fargate launch type do not support log driver 'syslog'."},
		{"Fargate capability", definition(`"linuxParameters":{"capabilities":{"add":["NET_ADMIN"]}}`, fargateTask), "Fargate only supports adding the capability SYS_PTRACE."},
		{"Fargate SYS_PTRACE", definition(`"linuxParameters":{"capabilities":{"add":["SYS_PTRACE"]}}`, fargateTask), ""},
		{"Fargate storage 20", definition("", fargateTask+`,"ephemeralStorage":{"sizeInGiB":20}`), "Ephemeral storage size must be between 21 and 200 GiB."},
		{"Fargate storage 200", definition("", fargateTask+`,"ephemeralStorage":{"sizeInGiB":200}`), ""},

		{"external in awsvpc mode", definition(big, `"requiresCompatibilities":["EXTERNAL"],"networkMode":"awsvpc"`), "External instances do not support network mode 'awsvpc'."},
		{"EC2 in any mode", definition(big, `"requiresCompatibilities":["EC2"],"networkMode":"none"`), ""},

		{"none with ports", definition(big+`,"portMappings":[{"containerPort":80}]`, `"networkMode":"none"`), "Port mappings are not supported when networkMode=none."},
		{"awsvpc with another host port", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":8080}]`, `"networkMode":"awsvpc"`), "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
		{"host with another host port", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":8080}]`, `"networkMode":"host"`), "When networkMode=host, the host ports and container ports in port mappings must match."},
		{"host with the same port", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":80}]`, `"networkMode":"host"`), ""},
		{"hostname in awsvpc mode", definition(big+`,"hostname":"h"`, `"networkMode":"awsvpc"`), "hostname is not supported on container when networkMode=awsvpc."},
		{"hostname in bridge mode", definition(big+`,"hostname":"h"`, `"networkMode":"bridge"`), ""},
		{"extraHosts in awsvpc mode", definition(big+`,"extraHosts":[{"hostname":"h","ipAddress":"1.2.3.4"}]`, `"networkMode":"awsvpc"`), "extraHosts is not supported on container when networkMode=awsvpc."},
		{"links in host mode", definition(big+`,"links":["d"]`, `"networkMode":"host"`), "Links are not supported when networkMode=host."},
		{"link to nobody", definition(big+`,"links":["d:alias"]`, ""), "Invalid link 'd:alias' for container 'c'."},

		{"container port 0", definition(big+`,"portMappings":[{"hostPort":80}]`, ""), "Invalid 'containerPort' setting for container 'c'."},
		{"container port 65536", definition(big+`,"portMappings":[{"containerPort":65536}]`, ""), "Invalid 'containerPort' setting for container 'c'."},
		{"host port -1", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":-1}]`, ""), "Invalid 'hostPort' setting for container 'c'."},
		{"host port twice", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":80},{"containerPort":81,"hostPort":80}]`, ""), "TCP host port '80' is mapped multiple times in task."},
		{"container port twice", definition(big+`,"portMappings":[{"containerPort":80},{"containerPort":80}]`, ""), "TCP container port '80' is mapped multiple times in container 'c'."},
		{"one port for both protocols", definition(big+`,"portMappings":[{"containerPort":53,"hostPort":53},{"containerPort":53,"hostPort":53,"protocol":"udp"}]`, ""), ""},
		{"host port in the ephemeral range", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":40000}]`, ""), ""},
		{"range", definition(big+`,"portMappings":[{"containerPortRange":"8000-8010"}]`, ""), ""},
		{"range in host mode", definition(big+`,"portMappings":[{"containerPortRange":"8000-8010"}]`, `"networkMode":"host"`), "containerPortRange is not supported when networkMode=host."},
		{"range with a host port", definition(big+`,"portMappings":[{"containerPortRange":"8000-8010","hostPort":80}]`, ""), "A port mapping of container 'c' can have either 'containerPort' or 'containerPortRange', and no 'hostPort' with the latter."},
		{"range backwards", definition(big+`,"portMappings":[{"containerPortRange":"8010-8000"}]`, ""), "Invalid 'containerPortRange' setting: 8010-8000. A range is two ports between 1 and 65535, the lower one first."},
		{"ranges that overlap", definition(big+`,"portMappings":[{"containerPortRange":"1-5"},{"containerPortRange":"5-9"}]`, ""), "Port ranges of container 'c' must not overlap."},
		{"port name", definition(big+`,"portMappings":[{"containerPort":80,"name":"web_1-a"}]`, ""), ""},
		{"port name with a capital", definition(big+`,"portMappings":[{"containerPort":80,"name":"Web"}]`, ""), "Invalid port mapping name 'Web' for container 'c'. A name has at most 64 characters: lowercase letters, numbers, underscores and hyphens, and does not start with a hyphen."},
		{"port name twice", definition(big+`,"portMappings":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}]`, ""), "Port mapping names must be unique within a task definition. Duplicate name: a"},

		{"awslogs without options", definition(big+`,"logConfiguration":{"logDriver":"awslogs"}`, ""), "Log driver awslogs requires options: awslogs-region, awslogs-group"},
		{"awslogs without a region", definition(big+`,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g"}}`, ""), "Log driver awslogs requires options: awslogs-region"},
		{"json-file", definition(big+`,"logConfiguration":{"logDriver":"json-file"}`, ""), ""},

		{"dependency that is not there", definition(big+`,"dependsOn":[{"containerName":"d","condition":"START"}]`, ""), "Cannot depend on container + 'd' because it does not exist"},
		{"dependency on itself", definition(big+`,"dependsOn":[{"containerName":"c","condition":"START"}]`, ""), "Container dependencies of container 'c' form a cycle."},
		{"dependency in a circle", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"START"}]},{"name":"b","image":"i","memory":4,"links":["a"]}]}`, "Container dependencies of container 'a' form a cycle."},
		{"HEALTHY without a check", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"HEALTHY"}]},{"name":"b","image":"i","memory":4}]}`, "The container 'a' depends on the HEALTHY condition of container 'b', which has no health check."},
		{"SUCCESS of an essential container", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"SUCCESS"}]},{"name":"b","image":"i","memory":4}]}`, "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
		{"diamond", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4},{"name":"b","image":"i","memory":4,"dependsOn":[{"containerName":"a","condition":"START"}]},{"name":"c","image":"i","memory":4,"dependsOn":[{"containerName":"a","condition":"START"}]},{"name":"d","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"START"},{"containerName":"c","condition":"START"}]}]}`, ""},

		{"unknown volume", definition(big+`,"mountPoints":[{"sourceVolume":"v","containerPath":"/x"}]`, ""), "Unknown volume 'v'."},
		{"mount point without a volume", definition(big+`,"mountPoints":[{"containerPath":"/x"}]`, ""), "Unknown volume 'null'."},
		{"mount point without a path", definition(big+`,"mountPoints":[{"sourceVolume":"v"}]`, `"volumes":[{"name":"v"}]`), "MountPoint.containerPath should not be null or empty."},
		{"volume without a name", definition(big, `"volumes":[{}]`), "Volume.name should not be null or empty."},
		{"volume twice", definition(big, `"volumes":[{"name":"v"},{"name":"v"}]`), "Volume names must be unique within a task definition. Duplicate name: v"},
		{"blank source path", definition(big, `"volumes":[{"name":"v","host":{"sourcePath":""}}]`), "host.sourcePath should not be blank."},
		{"two kinds of volume", definition(big, `"volumes":[{"name":"v","host":{},"dockerVolumeConfiguration":{}}]`), "Only one volume configuration can be specified for volume 'v'."},
		{"autoprovision of a task volume", definition(big, `"volumes":[{"name":"v","dockerVolumeConfiguration":{"autoprovision":true}}]`), "Autoprovision can only be specified for Docker volumes with scope shared: volume 'v'."},
		{"volumesFrom nobody", definition(big+`,"volumesFrom":[{"sourceContainer":"d"}]`, ""), "Invalid volumesFrom for container 'c': unknown source container 'd'."},

		{"environment without a name", definition(big+`,"environment":[{"value":"x"}]`, ""), "Environment variable names of container 'c' must not be empty."},
		{"environment file", definition(big+`,"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/a.txt"}]`, ""), "Environment file of container 'c' must use the .env file extension."},
		{"secret twice", definition(big+`,"secrets":[{"name":"A","valueFrom":"x"},{"name":"A","valueFrom":"y"}]`, ""), "Duplicate secret names found: A. Each secret name must be unique."},
		{"secret and variable", definition(big+`,"environment":[{"name":"A","value":"1"}],"secrets":[{"name":"A","valueFrom":"x"}]`, ""), "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'."},
		{"health check without a command", definition(big+`,"healthCheck":{"command":[]}`, ""), "healthCheck.command of container 'c' should not be null or empty."},
		{"health check too often", definition(big+`,"healthCheck":{"command":["x"],"interval":4}`, ""), "The health check interval of container 'c' must be between 5 and 300."},
		{"restart period", definition(big+`,"restartPolicy":{"enabled":true,"restartAttemptPeriod":59}`, ""), "The restartAttemptPeriod of container 'c' must be between 60 and 1800."},
		{"swappiness", definition(big+`,"linuxParameters":{"swappiness":101}`, ""), "The swappiness of container 'c' must be between 0 and 100."},
		{"ulimit", definition(big+`,"ulimits":[{"name":"nofile","softLimit":2,"hardLimit":1}]`, ""), "Ulimit soft limit must not exceed its hard limit: nofile."},

		{"distinctInstance", definition(big, `"placementConstraints":[{"type":"distinctInstance"}]`), "constraint.type 'distinctInstance' is not supported."},
		{"memberOf", definition(big, `"placementConstraints":[{"type":"memberOf","expression":"attribute:ecs.os-type == anything"}]`), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := (&RegisterTaskDefinitionRequest{Definition: parsed(t, tc.input)}).normalised()
			got := ""
			if e, ok := errors.AsType[*apierr.Error](err); ok {
				if got = e.Message; e.Code != "ClientException" {
					t.Errorf("code %s", e.Code)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestFargateSizes walks the whole table of fargate-tasks-services.
func TestFargateSizes(t *testing.T) {
	step := func(least, most, by int64) (out []int64) {
		for m := least; m <= most; m += by {
			out = append(out, m<<10)
		}
		return out
	}
	table := map[int64][]int64{
		256: {512, 1024, 2048}, 512: step(1, 4, 1), 1024: step(2, 8, 1), 2048: step(4, 16, 1),
		4096: step(8, 30, 1), 8192: step(16, 60, 4), 16384: step(32, 120, 8),
	}
	for cpu := int64(128); cpu <= 32768; cpu *= 2 {
		for memory := int64(256); memory <= 131072; memory += 256 {
			if got, want := fargateSize(cpu, memory), slices.Contains(table[cpu], memory); got != want {
				t.Errorf("%d CPU units and %d MiB: %v", cpu, memory, got)
			}
		}
	}
}

func TestCompatibilitiesAndAttributes(t *testing.T) {
	const (
		big   = `"memory":128`
		old   = "com.amazonaws.ecs.capability."
		api   = old + "docker-remote-api."
		newer = "ecs.capability."
		logs  = `"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r","awslogs-stream-prefix":"p"}}`
	)
	for _, tc := range []struct {
		name, input  string
		compatible   []string
		requirements []string
	}{
		{"plain", definition(big, ""), []string{"EXTERNAL", "EC2"}, nil},
		{"bridge with sizes", definition("", `"networkMode":"bridge","cpu":"256","memory":"512"`), []string{"EXTERNAL", "EC2"}, nil},
		{"host with a role", definition(big, `"networkMode":"host","taskRoleArn":"r"`), []string{"EXTERNAL", "EC2", "MANAGED_INSTANCES"},
			[]string{old + "task-iam-role", old + "task-iam-role-network-host"}},
		{"awsvpc without sizes", definition(big, `"networkMode":"awsvpc"`), []string{"EC2", "MANAGED_INSTANCES"}, []string{api + "1.18", newer + "task-eni"}},
		{"awsvpc with sizes", definition(logs, `"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":"r"`), []string{"EC2", "FARGATE", "MANAGED_INSTANCES"},
			[]string{old + "logging-driver.awslogs", newer + "execution-role-awslogs", api + "1.19", api + "1.18", newer + "task-eni"}},
		{"awslogs in bridge mode", definition(big+","+logs, ""), []string{"EXTERNAL", "EC2"}, []string{old + "logging-driver.awslogs", api + "1.19"}},
		{"ECR", `{"family":"f","executionRoleArn":"r","containerDefinitions":[{"name":"c","memory":4,"image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/a"}]}`, []string{"EXTERNAL", "EC2"},
			[]string{old + "ecr-auth", newer + "execution-role-ecr-pull"}},
		{"reservation", definition(`"memoryReservation":64`, ""), []string{"EXTERNAL", "EC2"}, []string{api + "1.21"}},
		{"privileged", definition(big+`,"privileged":true`, ""), []string{"EXTERNAL", "EC2"}, []string{old + "privileged-container"}},
		{"health check", definition(big+`,"healthCheck":{"command":["x"]}`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "container-health-check", api + "1.24"}},
		{"health check with a start period", definition(big+`,"healthCheck":{"command":["x"],"startPeriod":9}`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "container-health-check", api + "1.29"}},
		{"ulimits and labels", definition(big+`,"ulimits":[{"name":"nofile","softLimit":1,"hardLimit":1}],"dockerLabels":{"a":"b"}`, ""), []string{"EXTERNAL", "EC2"}, []string{api + "1.18"}},
		{"init and shm", definition(big+`,"linuxParameters":{"initProcessEnabled":true,"sharedMemorySize":64}`, ""), []string{"EXTERNAL", "EC2"}, []string{api + "1.25", api + "1.22"}},
		{"secrets", definition(big+`,"secrets":[{"name":"A","valueFrom":"p"},{"name":"B","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"}]`, ""), []string{"EXTERNAL", "EC2"},
			[]string{newer + "secrets.ssm.environment-variables", newer + "secrets.asm.environment-variables"}},
		{"restart policy", definition(big+`,"restartPolicy":{"enabled":true}`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "container-restart-policy"}},
		{"range", definition(big+`,"portMappings":[{"containerPortRange":"1-2"}]`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "network.container-port-range"}},
		{"Docker volume", definition(big, `"volumes":[{"name":"v","dockerVolumeConfiguration":{}}]`), []string{"EXTERNAL", "EC2"}, []string{newer + "docker-plugin.local"}},
		{"shared pid namespace", definition(big, `"pidMode":"task"`), []string{"EXTERNAL", "EC2"}, []string{newer + "pid-ipc-namespace-sharing"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := (&RegisterTaskDefinitionRequest{Definition: parsed(t, tc.input)}).normalised()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, a := range d.RequiresAttributes {
				names = append(names, *a.Name)
			}
			if diff := cmp.Diff(tc.compatible, d.Compatibilities); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.requirements, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}
