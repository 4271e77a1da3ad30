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

func portRanges(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"containerPortRange":"%d-%d"}`, 2*i+1000, 2*i+1001)
	}
	return strings.Join(list, ",")
}

func environmentFiles(n int) string {
	return strings.TrimSuffix(strings.Repeat(`{"type":"s3","value":"arn:aws:s3:::b/a.env"},`, n), ",")
}

// TestTaskDefinitionRules names each rule with the part of
// task_definition_parameters that it is of; an empty want means accepted. What
// registration fills in is in the golden answers of ecsapi, requiresAttributes and
// compatibilities are in TestCompatibilitiesAndAttributes, revisions and statuses
// in taskdefinition_test.go.
func TestTaskDefinitionRules(t *testing.T) {
	const (
		big    = `"memory":128`
		noCPU  = "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
		role   = `"executionRoleArn":"r"`
		noSize = "No Fargate configuration exists for given values."
	)
	for _, tc := range []struct{ row, name, input, want string }{
		{"family", "smallest", definition(big, ""), ""},
		{"family", "family missing", `{"containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, "Family should not be null or empty."},
		{"family", "family with a space", `{"family":"a b","containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, "Family contains invalid characters."},
		{"family", "family of 255 characters", `{"family":"` + strings.Repeat("a", 255) + `","containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, ""},
		{"family", "family of 256 characters", `{"family":"` + strings.Repeat("a", 256) + `","containerDefinitions":[{"name":"c","image":"i","memory":4}]}`, "Family contains invalid characters."},
		{"size", "no containers", `{"family":"f","containerDefinitions":[]}`, "Container list cannot be empty."},
		{"size", "10 containers", containers(10), ""},
		{"size", "11 containers", containers(11), "Too many containers."},
		{"size", "size", definition(big+`,"command":["`+strings.Repeat("x", 70000)+`"]`, ""), "Actual length: '70092'. Max allowed length is '65536' bytes."},

		{"container", "container name missing", `{"family":"f","containerDefinitions":[{"image":"i","memory":4}]}`, "Container.name should not be null or empty."},
		{"container", "container name with a dot", `{"family":"f","containerDefinitions":[{"name":"a.b","image":"i","memory":4}]}`, "Container.name contains invalid characters."},
		{"container", "container names twice", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4},{"name":"a","image":"i","memory":4}]}`, "Container names must be unique within a Task Definition."},
		{"container", "image missing", `{"family":"f","containerDefinitions":[{"name":"c","memory":4}]}`, "Container.image should not be null or empty."},
		{"container", "image with a space", `{"family":"f","containerDefinitions":[{"name":"c","image":"a b","memory":4}]}`, "Container.image contains invalid characters."},
		{"container", "image by digest", `{"family":"f","containerDefinitions":[{"name":"c","image":"r:5000/a/b@sha256:` + strings.Repeat("0", 64) + `","memory":4}]}`, ""},
		{"container", "image of 255 characters and a digest", `{"family":"f","containerDefinitions":[{"name":"c","image":"` + strings.Repeat("a", 255) + `@sha256:` + strings.Repeat("0", 64) + `","memory":4}]}`, ""},
		{"container", "image of 256 characters", `{"family":"f","containerDefinitions":[{"name":"c","image":"` + strings.Repeat("a", 256) + `","memory":4}]}`, "Container.image should not be longer than 255 characters."},
		{"container", "container name of 255 characters", `{"family":"f","containerDefinitions":[{"name":"` + strings.Repeat("a", 255) + `","image":"i","memory":4}]}`, ""},
		{"container", "container name of 256 characters", `{"family":"f","containerDefinitions":[{"name":"` + strings.Repeat("a", 256) + `","image":"i","memory":4}]}`, "Container.name contains invalid characters."},
		{"container", "health check that waits too long", definition(big+`,"healthCheck":{"command":["x"],"timeout":61}`, ""), "The health check timeout of container 'c' must be between 2 and 60."},
		{"container", "health check that gives up too late", definition(big+`,"healthCheck":{"command":["x"],"retries":11}`, ""), "The health check retries of container 'c' must be between 1 and 10."},
		{"container", "health check at its limits", definition(big+`,"healthCheck":{"command":["x"],"interval":300,"timeout":60,"retries":10,"startPeriod":300}`, ""), ""},
		{"container", "no essential container", definition(big+`,"essential":false`, ""), "Task definition doesn't have any essential container."},

		{"memory", "no memory at all", definition("", ""), "Invalid setting for container 'c'. At least one of 'memory' or 'memoryReservation' must be specified."},
		{"memory", "reservation alone", definition(`"memoryReservation":64`, ""), ""},
		{"memory", "memory at the task alone", definition("", `"memory":"512"`), ""},
		{"memory", "memory below reservation", definition(`"memory":64,"memoryReservation":128`, ""), "Invalid setting for container 'c'. 'memory' must be greater than or equal to 'memoryReservation'."},
		{"memory", "memory equal to reservation", definition(`"memory":64,"memoryReservation":64`, ""), ""},
		{"memory", "too little memory", definition(`"memory":3`, ""), "Invalid 'memory' setting for container 'c'."},
		{"memory", "container above task memory", definition(`"memory":1024`, `"memory":"512"`), "The 'memory' setting for container 'c' is greater than for the task."},
		{"memory", "sum above task memory", `{"family":"f","memory":"512","containerDefinitions":[{"name":"a","image":"i","memory":300},{"name":"b","image":"i","memory":300}]}`, "The sum of all container 'memory' values cannot be greater than the value of the task 'memory'."},
		{"memory", "sum above task cpu", definition(big+`,"cpu":512`, `"cpu":"256"`), "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."},
		{"memory", "negative cpu", definition(big+`,"cpu":-1`, ""), "Invalid 'cpu' setting for container 'c'."},

		{"strings", "1 vCPU and 2GB", definition("", `"cpu":"1 vCPU","memory":"2GB"`), ""},
		{"strings", "0.5 vcpu", definition("", `"cpu":"0.5 vcpu","memory":"0.5 gb"`), ""},
		{"cpu EC2", "task cpu 127", definition(big, `"cpu":"127"`), noCPU},
		{"cpu EC2", "task cpu 128", definition(big, `"cpu":"128"`), ""},
		{"cpu EC2", "task cpu 196608", definition(big, `"cpu":"196608"`), ""},
		{"cpu EC2", "task cpu 196609", definition(big, `"cpu":"196609"`), noCPU},
		{"cpu EC2", "task cpu is no number", definition(big, `"cpu":"lots"`), noCPU},
		{"cpu EC2", "task cpu empty", definition(big, `"cpu":""`), noCPU},
		{"strings", "task memory is no number", definition(big, `"memory":"2 elephants"`), "Invalid 'memory' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."},

		{"Fargate required", "Fargate", definition("", fargateTask), ""},
		{"Fargate required", "Fargate in bridge mode", definition("", `"requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512"`), "Fargate only supports network mode ‘awsvpc’."},
		{"Fargate required", "Fargate without cpu", definition("", `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","memory":"512"`), "Fargate requires that 'cpu' be defined at the task level."},
		{"Fargate required", "Fargate without memory", definition(big, `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256"`), "Fargate requires that 'memory' be defined at the task level."},
		{"Fargate required", "Fargate of no size", definition("", `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"4096"`), noSize},
		{"Fargate + roles", "Fargate logs without a role", definition(`"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r","awslogs-stream-prefix":"p"}}`, fargateTask), "Fargate requires task definition to have execution role ARN to support log driver awslogs."},
		{"Fargate + roles", "Fargate ECR image without a role", `{"family":"f","containerDefinitions":[{"name":"c","image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/a"}],` + fargateTask + `}`, "Fargate requires task definition to have execution role ARN to support ECR images."},
		{"Fargate + roles", "Fargate secrets without a role", definition(`"secrets":[{"name":"A","valueFrom":"b"}]`, fargateTask), "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
		{"logConfiguration awslogs", "Fargate logs without a prefix", definition(`"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r"}}`, fargateTask+`,"executionRoleArn":"r"`), "Log driver awslogs requires options: awslogs-stream-prefix"},
		{"Fargate forbids", "Fargate privileged", definition(`"privileged":true`, fargateTask), "Tasks using the Fargate launch type do not support privileged containers."},
		{"Fargate forbids", "Fargate links", definition(`"links":["d"]`, fargateTask), "Links are not supported when networkMode=awsvpc."},
		{"Fargate forbids", "Fargate host volume", definition("", fargateTask+`,"volumes":[{"name":"v","host":{"sourcePath":"/x"}}]`), "Tasks using the Fargate launch type do not support host.sourcePath in volumes."},
		{"Fargate forbids", "Fargate bind mount", definition("", fargateTask+`,"volumes":[{"name":"v"}]`), ""},
		{"Fargate forbids", "Fargate Docker volume", definition("", fargateTask+`,"volumes":[{"name":"v","dockerVolumeConfiguration":{}}]`), "Tasks using the Fargate launch type do not support the configuration of volume 'v'."},
		{"Fargate forbids", "Fargate devices", definition(`"linuxParameters":{"devices":[{"hostPath":"/dev/x"}]}`, fargateTask), "Tasks using the Fargate launch type do not support devices."},
		{"Fargate forbids", "Fargate ipcMode", definition("", fargateTask+`,"ipcMode":"task"`), "Tasks using the Fargate launch type do not support ipcMode."},
		{"Fargate forbids", "Fargate pidMode host", definition("", fargateTask+`,"pidMode":"host"`), "Tasks using the Fargate launch type do not support pidMode 'host'."},
		{"Fargate forbids", "Fargate pidMode task", definition("", fargateTask+`,"pidMode":"task"`), ""},
		{"Fargate forbids", "Fargate placement constraints", definition("", fargateTask+`,"placementConstraints":[{"type":"memberOf","expression":"attribute:a == b"}]`), "Tasks using the Fargate launch type do not support placement constraints."},
		{"Fargate forbids", "Fargate dockerSecurityOptions", definition(`"dockerSecurityOptions":["no-new-privileges"]`, fargateTask), "Tasks using the Fargate launch type do not support dockerSecurityOptions."},
		{"Fargate forbids", "Fargate GPU", definition(`"resourceRequirements":[{"type":"GPU","value":"1"}]`, fargateTask), "Tasks using the Fargate launch type do not support GPU resource requirements."},
		{"Fargate forbids", "Fargate syslog", definition(`"logConfiguration":{"logDriver":"syslog"}`, fargateTask), "Tasks using the Fargate launch type do not support log driver 'syslog'."},
		{"Fargate forbids", "Fargate capability", definition(`"linuxParameters":{"capabilities":{"add":["NET_ADMIN"]}}`, fargateTask), "Fargate only supports adding the capability SYS_PTRACE."},
		{"Fargate forbids", "Fargate SYS_PTRACE", definition(`"linuxParameters":{"capabilities":{"add":["SYS_PTRACE"]}}`, fargateTask), ""},
		{"Fargate forbids", "Fargate storage 20", definition("", fargateTask+`,"ephemeralStorage":{"sizeInGiB":20}`), "Ephemeral storage size must be between 21 and 200 GiB."},
		{"Fargate forbids", "Fargate storage 200", definition("", fargateTask+`,"ephemeralStorage":{"sizeInGiB":200}`), ""},

		{"requiresCompatibilities", "external in awsvpc mode", definition(big, `"requiresCompatibilities":["EXTERNAL"],"networkMode":"awsvpc"`), "External instances do not support network mode 'awsvpc'."},
		{"requiresCompatibilities", "EC2 in any mode", definition(big, `"requiresCompatibilities":["EC2"],"networkMode":"none"`), ""},

		{"networkMode none", "none with ports", definition(big+`,"portMappings":[{"containerPort":80}]`, `"networkMode":"none"`), "Port mappings are not supported when networkMode=none."},
		{"host / awsvpc", "awsvpc with another host port", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":8080}]`, `"networkMode":"awsvpc"`), "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
		{"host / awsvpc", "host with another host port", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":8080}]`, `"networkMode":"host"`), "When networkMode=host, the host ports and container ports in port mappings must match."},
		{"host / awsvpc", "host with the same port", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":80}]`, `"networkMode":"host"`), ""},
		{"bridge", "hostname in awsvpc mode", definition(big+`,"hostname":"h"`, `"networkMode":"awsvpc"`), "hostname is not supported on container when networkMode=awsvpc."},
		{"bridge", "hostname in bridge mode", definition(big+`,"hostname":"h"`, `"networkMode":"bridge"`), ""},
		{"bridge", "extraHosts in awsvpc mode", definition(big+`,"extraHosts":[{"hostname":"h","ipAddress":"1.2.3.4"}]`, `"networkMode":"awsvpc"`), "extraHosts is not supported on container when networkMode=awsvpc."},
		{"bridge", "links in host mode", definition(big+`,"links":["d"]`, `"networkMode":"host"`), "Links are not supported when networkMode=host."},
		{"bridge", "link to nobody", definition(big+`,"links":["d:alias"]`, ""), "Invalid link 'd:alias' for container 'c'."},
		{"bridge", "links in a circle", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"links":["b"]},{"name":"b","image":"i","memory":4,"links":["a:x"]}]}`, "Container links should not have a cycle"},
		{"bridge", "DNS servers in awsvpc mode", definition(big+`,"dnsServers":["1.1.1.1"]`, `"networkMode":"awsvpc"`), "dnsServers is not supported on container when networkMode=awsvpc."},

		{"Ports", "container port 0", definition(big+`,"portMappings":[{"hostPort":80}]`, ""), "Invalid 'containerPort' setting for container 'c'."},
		{"Ports", "container port 65536", definition(big+`,"portMappings":[{"containerPort":65536}]`, ""), "Invalid 'containerPort' setting for container 'c'."},
		{"Ports", "host port -1", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":-1}]`, ""), "Invalid 'hostPort' setting for container 'c'."},
		{"Ports", "host port twice", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":80},{"containerPort":81,"hostPort":80}]`, ""), "TCP host port '80' is mapped multiple times in task."},
		{"Ports", "container port twice", definition(big+`,"portMappings":[{"containerPort":80},{"containerPort":80}]`, ""), "TCP container port '80' is mapped multiple times in container 'c'."},
		{"Ports", "one port for both protocols", definition(big+`,"portMappings":[{"containerPort":53,"hostPort":53},{"containerPort":53,"hostPort":53,"protocol":"udp"}]`, ""), ""},
		{"Ports", "host port in the ephemeral range", definition(big+`,"portMappings":[{"containerPort":80,"hostPort":40000}]`, ""), ""},
		{"Ports", "range", definition(big+`,"portMappings":[{"containerPortRange":"8000-8010"}]`, ""), ""},
		{"Ports", "range in host mode", definition(big+`,"portMappings":[{"containerPortRange":"8000-8010"}]`, `"networkMode":"host"`), "containerPortRange is not supported when networkMode=host."},
		{"Ports", "range with a host port", definition(big+`,"portMappings":[{"containerPortRange":"8000-8010","hostPort":80}]`, ""), "A port mapping of container 'c' can have either 'containerPort' or 'containerPortRange', and no 'hostPort' with the latter."},
		{"Ports", "range backwards", definition(big+`,"portMappings":[{"containerPortRange":"8010-8000"}]`, ""), "Invalid 'containerPortRange' setting: 8010-8000. A range is two ports between 1 and 65535, the lower one first."},
		{"Ports", "ranges that overlap", definition(big+`,"portMappings":[{"containerPortRange":"1-5"},{"containerPortRange":"5-9"}]`, ""), "Port ranges of container 'c' must not overlap."},
		{"Ports", "port within a range", definition(big+`,"portMappings":[{"containerPortRange":"80-90"},{"containerPort":85}]`, ""), "Port ranges of container 'c' must not overlap."},
		{"Ports", "port within a range of the other protocol", definition(big+`,"portMappings":[{"containerPortRange":"80-90"},{"containerPort":85,"protocol":"udp"}]`, ""), ""},
		{"Ports", "100 ranges", definition(big+`,"portMappings":[`+portRanges(100)+`]`, ""), ""},
		{"Ports", "101 ranges", definition(big+`,"portMappings":[`+portRanges(101)+`]`, ""), "Too many port ranges for container 'c'. The maximum is 100."},
		{"portMapping.name", "port name", definition(big+`,"portMappings":[{"containerPort":80,"name":"web_1-a"}]`, ""), ""},
		{"portMapping.name", "port name with a capital", definition(big+`,"portMappings":[{"containerPort":80,"name":"Web"}]`, ""), "Invalid port mapping name 'Web' for container 'c'. A name has at most 64 characters: lowercase letters, numbers, underscores and hyphens, and does not start with a hyphen."},
		{"portMapping.name", "port name twice", definition(big+`,"portMappings":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}]`, ""), "Port mapping names must be unique within a task definition. Duplicate name: a"},

		{"logConfiguration awslogs", "awslogs without options", definition(big+`,"logConfiguration":{"logDriver":"awslogs"}`, ""), "Log driver awslogs requires options: awslogs-region, awslogs-group"},
		{"logConfiguration awslogs", "awslogs without a region", definition(big+`,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g"}}`, ""), "Log driver awslogs requires options: awslogs-region"},
		{"logConfiguration awslogs", "json-file", definition(big+`,"logConfiguration":{"logDriver":"json-file"}`, ""), ""},
		{"logConfiguration awslogs", "FireLens without a router", definition(big+`,"logConfiguration":{"logDriver":"awsfirelens"}`, ""), "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers."},
		{"logConfiguration awslogs", "router without FireLens", definition(big+`,"firelensConfiguration":{"type":"fluentbit"}`, ""), "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver."},
		{"logConfiguration awslogs", "router with a configuration that is no object", definition(big+`,"logConfiguration":{"logDriver":"awsfirelens"},"firelensConfiguration":{"type":"fluentbit","options":{"config-file-type":"s3","config-file-value":"s3://b/x.conf"}}`, ""), "Invalid arn syntax."},

		{"dependsOn", "dependency that is not there", definition(big+`,"dependsOn":[{"containerName":"d","condition":"START"}]`, ""), "Cannot depend on container + 'd' because it does not exist"},
		{"dependsOn", "dependency on itself", definition(big+`,"dependsOn":[{"containerName":"c","condition":"START"}]`, ""), "Container dependencies of container 'c' form a cycle."},
		{"dependsOn", "dependency in a circle", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"START"}]},{"name":"b","image":"i","memory":4,"links":["a"]}]}`, "Container dependencies of container 'a' form a cycle."},
		{"dependsOn", "HEALTHY without a check", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"HEALTHY"}]},{"name":"b","image":"i","memory":4}]}`, "The container 'a' depends on the HEALTHY condition of container 'b', which has no health check."},
		{"dependsOn", "SUCCESS of an essential container", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"SUCCESS"}]},{"name":"b","image":"i","memory":4}]}`, "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
		{"dependsOn", "diamond", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4},{"name":"b","image":"i","memory":4,"dependsOn":[{"containerName":"a","condition":"START"}]},{"name":"c","image":"i","memory":4,"dependsOn":[{"containerName":"a","condition":"START"}]},{"name":"d","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"START"},{"containerName":"c","condition":"START"}]}]}`, ""},

		{"volumes", "unknown volume", definition(big+`,"mountPoints":[{"sourceVolume":"v","containerPath":"/x"}]`, ""), "Unknown volume 'v'."},
		{"volumes", "mount point without a volume", definition(big+`,"mountPoints":[{"containerPath":"/x"}]`, ""), "Unknown volume 'null'."},
		{"volumes", "mount point without a path", definition(big+`,"mountPoints":[{"sourceVolume":"v"}]`, `"volumes":[{"name":"v"}]`), "MountPoint.containerPath should not be null or empty."},
		{"volumes", "volume without a name", definition(big, `"volumes":[{}]`), "Volume.name should not be null or empty."},
		{"volumes", "volume twice", definition(big, `"volumes":[{"name":"v"},{"name":"v"}]`), "Volume names must be unique within a task definition. Duplicate name: v"},
		{"volumes", "blank source path", definition(big, `"volumes":[{"name":"v","host":{"sourcePath":""}}]`), "host.sourcePath should not be blank."},
		{"volumes", "two kinds of volume", definition(big, `"volumes":[{"name":"v","host":{},"dockerVolumeConfiguration":{}}]`), "Only one volume configuration can be specified for volume 'v'."},
		{"volumes", "autoprovision of a task volume", definition(big, `"volumes":[{"name":"v","dockerVolumeConfiguration":{"autoprovision":true}}]`), "Autoprovision can only be specified for Docker volumes with scope shared: volume 'v'."},
		{"volumes", "volumesFrom nobody", definition(big+`,"volumesFrom":[{"sourceContainer":"d"}]`, ""), "Invalid volumesFrom for container 'c': unknown source container 'd'."},

		{"container", "environment without a name", definition(big+`,"environment":[{"value":"x"}]`, ""), "Environment variable names of container 'c' must not be empty."},
		{"environmentFiles", "environment file", definition(big+`,"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/a.txt"}]`, ""), "Environment file of container 'c' must use the .env file extension."},
		{"environmentFiles", "environment file that is no object", definition(big+`,"environmentFiles":[{"type":"s3","value":"s3://b/a.env"}]`, ""), "Invalid arn syntax."},
		{"environmentFiles", "10 environment files", definition(big+`,"environmentFiles":[`+environmentFiles(10)+`]`, ""), ""},
		{"environmentFiles", "11 environment files", definition(big+`,"environmentFiles":[`+environmentFiles(11)+`]`, ""), "Too many environment files for container 'c'. The maximum is 10."},
		{"secrets.valueFrom", "secret twice", definition(big+`,"secrets":[{"name":"A","valueFrom":"x"},{"name":"A","valueFrom":"y"}]`, role), "Duplicate secret names found: A. Each secret name must be unique."},
		{"secrets.valueFrom", "secret and variable", definition(big+`,"environment":[{"name":"A","value":"1"}],"secrets":[{"name":"A","valueFrom":"x"}]`, ""), "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'."},
		{"secrets.valueFrom", "without an execution role", definition(big+`,"secrets":[{"name":"A","valueFrom":"x"}]`, ""), "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
		{"secrets.valueFrom", "of a log driver without an execution role", definition(big+`,"logConfiguration":{"logDriver":"splunk","secretOptions":[{"name":"splunk-token","valueFrom":"x"}]}`, ""), "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
		{"secrets.valueFrom", "parameter by name", definition(big+`,"secrets":[{"name":"A","valueFrom":"/a/b"}]`, role), ""},
		{"secrets.valueFrom", "parameter by ARN", definition(big+`,"secrets":[{"name":"A","valueFrom":"arn:aws:ssm:us-east-1:123456789012:parameter/a"}]`, role), ""},
		{"secrets.valueFrom", "secret by ARN", definition(big+`,"secrets":[{"name":"A","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"}]`, role), ""},
		{"secrets.valueFrom", "member of a secret", definition(big+`,"secrets":[{"name":"A","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef:key::"}]`, role), ""},
		{"secrets.valueFrom", "version of a secret", definition(big+`,"secrets":[{"name":"A","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef:key:AWSPREVIOUS:0a1b"}]`, role), ""},
		{"secrets.valueFrom", "half a version of a secret", definition(big+`,"secrets":[{"name":"A","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef:key"}]`, role), "Invalid arn syntax."},
		{"secrets.valueFrom", "object of another service", definition(big+`,"secrets":[{"name":"A","valueFrom":"arn:aws:s3:::bucket/key"}]`, role), "Invalid arn syntax."},
		{"container", "health check without a command", definition(big+`,"healthCheck":{"command":[]}`, ""), "healthCheck.command of container 'c' should not be null or empty."},
		{"container", "health check too often", definition(big+`,"healthCheck":{"command":["x"],"interval":4}`, ""), "The health check interval of container 'c' must be between 5 and 300."},
		{"container", "restart period", definition(big+`,"restartPolicy":{"enabled":true,"restartAttemptPeriod":59}`, ""), "The restartAttemptPeriod of container 'c' must be between 60 and 1800."},
		{"container", "swappiness", definition(big+`,"linuxParameters":{"swappiness":101}`, ""), "The swappiness of container 'c' must be between 0 and 100."},
		{"container", "ulimit", definition(big+`,"ulimits":[{"name":"nofile","softLimit":2,"hardLimit":1}]`, ""), "Ulimit soft limit must not exceed its hard limit: nofile."},

		{"size", "distinctInstance", definition(big, `"placementConstraints":[{"type":"distinctInstance"}]`), "constraint.type 'distinctInstance' is not supported."},
		{"size", "memberOf", definition(big, `"placementConstraints":[{"type":"memberOf","expression":"attribute:ecs.os-type == anything"}]`), ""},
		{"size", "11 placement constraints", definition(big, `"placementConstraints":[`+strings.TrimSuffix(strings.Repeat(`{"type":"memberOf","expression":"attribute:a == b"},`, 11), ",")+`]`), "Too many placement constraints. The maximum is 10."},
	} {
		t.Run(tc.row+"/"+tc.name, func(t *testing.T) {
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
			[]string{api + "1.17", old + "task-iam-role", old + "task-iam-role-network-host"}},
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
		{"secrets", definition(big+`,"secrets":[{"name":"A","valueFrom":"p"},{"name":"B","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"}]`, `"executionRoleArn":"r"`), []string{"EXTERNAL", "EC2"},
			[]string{newer + "secrets.ssm.environment-variables", newer + "secrets.asm.environment-variables"}},
		{"restart policy", definition(big+`,"restartPolicy":{"enabled":true}`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "container-restart-policy"}},
		{"range", definition(big+`,"portMappings":[{"containerPortRange":"1-2"}]`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "network.container-port-range"}},
		{"Docker volume", definition(big, `"volumes":[{"name":"v","dockerVolumeConfiguration":{}}]`), []string{"EXTERNAL", "EC2"}, []string{newer + "docker-plugin.local"}},
		{"secret log options", definition(big+`,"logConfiguration":{"logDriver":"splunk","secretOptions":[{"name":"a","valueFrom":"p"},{"name":"b","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"}]}`, `"executionRoleArn":"r"`), []string{"EXTERNAL", "EC2"},
			[]string{old + "logging-driver.splunk", api + "1.22", newer + "secrets.ssm.bootstrap.log-driver", newer + "secrets.asm.bootstrap.log-driver"}},
		{"private registry", definition(big+`,"repositoryCredentials":{"credentialsParameter":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"}`, ""), []string{"EXTERNAL", "EC2"},
			[]string{newer + "private-registry-authentication.secretsmanager"}},
		{"dependencies", `{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"dependsOn":[{"containerName":"b","condition":"START"}]},{"name":"b","image":"i","memory":4}]}`, []string{"EXTERNAL", "EC2"},
			[]string{newer + "container-ordering"}},
		{"EFS", definition(big, `"volumes":[{"name":"v","efsVolumeConfiguration":{"fileSystemId":"fs-1"}}]`), []string{"EXTERNAL", "EC2"}, []string{newer + "efsAuth", newer + "efs", api + "1.25"}},
		{"EBS", definition(big, `"volumes":[{"name":"v","configuredAtLaunch":true}]`), []string{"EXTERNAL", "EC2"}, []string{newer + "storage.ebs-task-volume-attach"}},
		{"environment files", definition(big+`,"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/a.env"}]`, ""), []string{"EXTERNAL", "EC2"}, []string{newer + "env-files.s3"}},
		{"FireLens", definition(big+`,"logConfiguration":{"logDriver":"awsfirelens","options":{"log-driver-buffer-limit":"1"}},"firelensConfiguration":{"type":"fluentbit","options":{"config-file-type":"file","config-file-value":"/x"}}`, ""), []string{"EXTERNAL", "EC2"},
			[]string{old + "logging-driver.awsfirelens", newer + "logging-driver.awsfirelens.log-driver-buffer-limit", newer + "firelens.fluentbit", newer + "firelens.options.config.file"}},
		{"fault injection", definition(big, `"enableFaultInjection":true`), []string{"EXTERNAL", "EC2"}, []string{newer + "fault-injection"}},
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
