package firelens

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the texts in testdata")

func TestConfig(t *testing.T) {
	router := Router{
		Type: FluentBit, NetworkMode: "awsvpc", Cluster: "prod", TaskARN: "arn:aws:ecs:eu-west-1:012345678910:task/prod/1dc5c17a", TaskDefinition: "web:3",
	}
	with := func(f func(*Router)) Router {
		r := router
		f(&r)
		return r
	}
	apps := []App{
		{"web", map[string]string{"Name": "cloudwatch", "region": "eu-west-1", "log_group_name": "g", "include-pattern": "^E", "exclude-pattern": "health", "log-driver-buffer-limit": "2097152", "mode": "non-blocking"}},
		{"sidecar", map[string]string{}},
		{"api", map[string]string{"Name": "firehose", "api_key": "${api_key_2}"}},
	}
	fluentdApps := []App{{"web", map[string]string{"@type": "kinesis_firehose", "region": "eu-west-1", "include-pattern": "/E/", "exclude-pattern": "/x/"}}}
	for _, c := range []struct {
		name   string
		router Router
		apps   []App
	}{
		{"fluentbit-awsvpc", router, apps},
		{"fluentbit-bridge-s3", with(func(r *Router) {
			r.NetworkMode, r.InstanceID, r.MemoryMiB = "bridge", "i-1", 100
			r.Options = map[string]string{"config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/k"}
		}), apps[:1]},
		{"fluentbit-host-plain", with(func(r *Router) {
			r.NetworkMode, r.Options = "host", map[string]string{"enable-ecs-log-metadata": "false", "config-file-type": "file", "config-file-value": "/extra.conf"}
		}), apps[1:2]},
		{"fluentd-bridge", with(func(r *Router) {
			r.Type, r.NetworkMode, r.Options = Fluentd, "bridge", map[string]string{"enable-ecs-log-metadata": "true", "config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/k"}
		}), fluentdApps},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Config(c.router, c.apps)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.name+".conf")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("%v: got\n%s", err, got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		router Router
		app    App
		want   string
	}{
		{Router{Type: "vector"}, App{}, "unsupported firelens config type vector"},
		{Router{Type: Fluentd, Options: map[string]string{"config-file-type": "http"}}, App{}, "invalid value http is specified for option config-file-type"},
		{Router{Type: Fluentd, Options: map[string]string{"config-file-type": "s3"}}, App{}, "option config-file-type is specified but config-file-value is not specified"},
		{
			Router{Type: FluentBit},
			App{"web", map[string]string{"region": "x"}},
			"unable to apply log options of container web to firelens config: missing output key Name which is required for firelens configuration of type fluentbit",
		},
	} {
		if _, err := Config(c.router, []App{c.app}); err == nil || err.Error() != c.want {
			t.Errorf("error %v", err)
		}
	}
}

func TestWhatContainersGet(t *testing.T) {
	files := Files{Config: "/d/fluent.conf", External: "/d/external.conf", Sockets: "/d/socket"}
	fromS3 := map[string]string{"config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/k"}
	bit, d := Router{Type: FluentBit}, Router{Type: Fluentd, Options: fromS3}
	if got := bit.Mounts(files); !reflect.DeepEqual(got, []Mount{{"/d/fluent.conf", "/fluent-bit/etc/fluent-bit.conf"}, {"/d/socket", "/var/run"}}) {
		t.Errorf("mounts %v", got)
	}
	if got := d.Mounts(files); !reflect.DeepEqual(got, []Mount{{"/d/fluent.conf", "/fluentd/etc/fluent.conf"}, {"/d/socket", "/var/run"}, {"/d/external.conf", "/fluentd/etc/external.conf"}}) {
		t.Errorf("mounts %v", got)
	}
	if arn, ok := d.External(); !ok || arn != "arn:aws:s3:::b/k" {
		t.Errorf("external %q, %v", arn, ok)
	}
	for mode, want := range map[string][]string{"bridge": {"FLUENT_HOST=172.17.0.2", "FLUENT_PORT=24224"}, "awsvpc": {"FLUENT_HOST=127.0.0.1", "FLUENT_PORT=24224"}, "host": nil} {
		if got := Environment(mode, "172.17.0.2"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", mode, got)
		}
	}
	driver, options := App{"web", map[string]string{"Name": "x", "log-driver-buffer-limit": "5"}}.Log("1dc5", files)
	if want := map[string]string{
		"fluentd-address": "unix:///d/socket/fluent.sock", "fluentd-async": "true", "fluentd-sub-second-precision": "true", "tag": "web-firelens-1dc5", "fluentd-buffer-limit": "5",
	}; driver != "fluentd" || !reflect.DeepEqual(options, want) {
		t.Errorf("%s %v", driver, options)
	}
	if value, name := bit.Secret("apikey", 2); value != "${apikey_2}" || name != "apikey_2" {
		t.Errorf("secret %s in %s", value, name)
	}
	if value, name := d.Secret("apikey", 2); value != `"#{ENV['apikey_2']}"` || name != "apikey_2" {
		t.Errorf("secret %s in %s", value, name)
	}
}
