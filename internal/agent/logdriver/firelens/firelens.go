// Package firelens says what a FireLens router container and the containers that
// log through it are given: the router's configuration, mounts and environment,
// and the applications' log options.
//
// All of it is pure: who calls writes the files. What is written follows what
// the ECS agent generates (the developer guide's pages on FireLens; the agent's
// sources where these are silent), so that a router image and a custom
// configuration made for ECS work unchanged. It refuses a router type and a
// config-file-type that ECS does not know, and leaves the options of output
// plugins unchecked, as ECS does.
package firelens

import (
	"fmt"
	"maps"
	"path"
	"strconv"
)

// The types of router.
const (
	FluentBit = "fluentbit"
	Fluentd   = "fluentd"
)

// The options of firelensConfiguration.
const (
	optionMetadata      = "enable-ecs-log-metadata"
	optionExternal      = "config-file-type"
	optionExternalValue = "config-file-value"
)

// Router is what of a task and its router container shapes the configuration.
type Router struct {
	Type    string            // FluentBit or Fluentd
	Options map[string]string // of firelensConfiguration
	// NetworkMode of the task: "bridge" and "awsvpc" get a TCP input as well.
	NetworkMode    string
	Cluster        string // as the records show it
	TaskARN        string
	TaskDefinition string // family:revision
	InstanceID     string // "" on Fargate
	// MemoryMiB is the router's memoryReservation or else its memory; 0 = none.
	MemoryMiB int64
}

// App is a container that logs through the router.
type App struct {
	Container string
	// Options of its logConfiguration, with Secret's placeholders for those from
	// secretOptions.
	Options map[string]string
}

// Mount is a bind mount into the router.
type Mount struct {
	Source, Target string
}

// Files are the paths on the host that belong to one task's router.
type Files struct {
	Config   string // Config's text
	External string // what config-file-value names in S3, downloaded
	Sockets  string // a directory that the router's user can write to
}

// socket is where routers listen, in their /var/run, which is Files.Sockets.
const socket = "fluent.sock"

// External is the S3 object, as an ARN, that the caller downloads to
// Files.External; ok = false if there is none.
func (r Router) External() (arn string, ok bool) {
	return r.Options[optionExternalValue], r.Options[optionExternal] == "s3"
}

// Mounts are the router's.
func (r Router) Mounts(f Files) []Mount {
	config := "/fluent-bit/etc/fluent-bit.conf"
	if r.Type == Fluentd {
		config = "/fluentd/etc/fluent.conf"
	}
	mounts := []Mount{{f.Config, config}, {f.Sockets, "/var/run"}}
	if _, ok := r.External(); ok {
		mounts = append(mounts, Mount{f.External, r.external()})
	}
	return mounts
}

// external is where the router sees the custom configuration; "" = there is none.
func (r Router) external() string {
	switch r.Options[optionExternal] {
	case "file":
		return r.Options[optionExternalValue]
	case "s3":
		if r.Type == Fluentd {
			return "/fluentd/etc/external.conf"
		}
		return "/fluent-bit/etc/external.conf"
	}
	return ""
}

// Environment is what application containers find the router's TCP input by;
// routerIP counts in bridge mode only. Other network modes have none.
func Environment(networkMode, routerIP string) []string {
	switch networkMode {
	case "bridge":
	case "awsvpc":
		routerIP = "127.0.0.1"
	default:
		return nil
	}
	return []string{"FLUENT_HOST=" + routerIP, "FLUENT_PORT=" + port}
}

// Log gives the log driver and its options, in package logdriver's terms, by
// which the container's output reaches the router.
func (a App) Log(taskID string, f Files) (driver string, options map[string]string) {
	options = map[string]string{
		"fluentd-address":              "unix://" + path.Join(f.Sockets, socket),
		"fluentd-async":                "true",
		"fluentd-sub-second-precision": "true",
		"tag":                          a.Container + "-firelens-" + taskID,
	}
	if limit, ok := a.Options[bufferLimit]; ok {
		options["fluentd-buffer-limit"] = limit
	}
	for _, key := range []string{"mode", "max-buffer-size"} {
		if v, ok := a.Options[key]; ok {
			options[key] = v
		}
	}
	return "fluentd", options
}

// bufferLimit is an option for the driver, not for the router.
const bufferLimit = "log-driver-buffer-limit"

// Secret gives the value to set for an option that comes from secretOptions of
// the task's container with an index, and the router's environment variable that
// holds the secret itself: it stands in no file.
func (r Router) Secret(option string, container int) (placeholder, variable string) {
	variable = option + "_" + strconv.Itoa(container)
	if r.Type == Fluentd {
		return `"#{ENV['` + variable + `']}"`, variable
	}
	return "${" + variable + "}", variable
}

// check refuses what ECS refuses.
func (r Router) check() error {
	if r.Type != FluentBit && r.Type != Fluentd {
		return fmt.Errorf("unsupported firelens config type %s", r.Type)
	}
	switch kind, ok := r.Options[optionExternal]; {
	case !ok:
	case kind != "s3" && kind != "file":
		return fmt.Errorf("invalid value %s is specified for option %s", kind, optionExternal)
	default:
		if _, ok := r.Options[optionExternalValue]; !ok {
			return fmt.Errorf("option %s is specified but %s is not specified", optionExternal, optionExternalValue)
		}
	}
	return nil
}

// metadata are the fields that are added to every record. As with ECS, a value
// that is no boolean switches them off.
func (r Router) metadata() map[string]string {
	if text, ok := r.Options[optionMetadata]; ok {
		if on, err := strconv.ParseBool(text); err != nil || !on {
			return nil
		}
	}
	fields := map[string]string{"ecs_cluster": r.Cluster, "ecs_task_arn": r.TaskARN, "ecs_task_definition": r.TaskDefinition}
	if r.InstanceID != "" {
		fields["ec2_instance_id"] = r.InstanceID
	}
	return fields
}

// output splits an application's options into the plugin's name, the filters
// and the plugin's own.
func (a App) output(nameKey string) (name, include, exclude string, options map[string]string, err error) {
	options = maps.Clone(a.Options)
	for _, key := range []string{nameKey, "include-pattern", "exclude-pattern", bufferLimit, "mode", "max-buffer-size"} {
		delete(options, key)
	}
	name, ok := a.Options[nameKey]
	if !ok && len(options) > 0 {
		err = fmt.Errorf("unable to apply log options of container %s to firelens config: missing output key %s which is required for firelens configuration", a.Container, nameKey)
	}
	return name, a.Options["include-pattern"], a.Options["exclude-pattern"], options, err
}
