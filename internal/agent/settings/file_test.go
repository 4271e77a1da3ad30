package settings

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agentproto"
)

func file(arn string) agentproto.EnvironmentFile {
	return agentproto.EnvironmentFile{Value: arn, Type: "s3"}
}

func TestEnvironmentFile(t *testing.T) {
	const denied = "failed to write to a temporary file: AccessDenied: Access Denied status code: 403, request id: req-1"
	for name, c := range map[string]struct{ arn, want string }{
		"plain":        {"arn:aws:s3:::bucket/app.env", "A=1\n"},
		"odd names":    {"arn:aws:s3:::my.bucket/dir//a b+ü%.env", "odd"},
		"not there":    {"arn:aws:s3:::bucket/dir/none.env", "file download command: non empty error stream: failed to download file none.env: " + denied},
		"too large":    {"arn:aws:s3:::bucket/large.env", "file download command: non empty error stream: failed to download file large.env: failed to write to a temporary file: get object: the file is larger than 4194304 bytes"},
		"no key":       {"arn:aws:s3:::bucket", "unable to parse bucket and key from s3 ARN specified in environmentFile arn:aws:s3:::bucket, error: invalid s3 arn: arn:aws:s3:::bucket"},
		"another ARN":  {"arn:aws:sns:::bucket/k", "unable to parse bucket and key from s3 ARN specified in environmentFile arn:aws:sns:::bucket/k, error: invalid s3 arn: arn:aws:sns:::bucket/k"},
		"no partition": {"arn::s3:::bucket/k", "unable to parse bucket and key from s3 ARN specified in environmentFile arn::s3:::bucket/k, error: invalid s3 arn: arn::s3:::bucket/k"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newAWS(t)
			f.objects["/bucket/app.env"], f.objects["/my.bucket/dir//a b+ü%.env"] = "A=1\n", "odd"
			f.objects["/bucket/large.env"] = strings.Repeat("x", maxFile+1)
			text, err := f.lookup().EnvironmentFile(t.Context(), role, file(c.arn))
			got := string(text)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %.300s\nwant %s", got, c.want)
			}
		})
	}
}

func TestEnvironmentFileOfAnotherRegion(t *testing.T) {
	f := newAWS(t)
	f.objects["/b/k.env"] = "A=1"
	f.fail = append(f.fail, func(w http.ResponseWriter) {
		w.Header().Set("X-Amz-Bucket-Region", "ap-south-1")
		w.WriteHeader(http.StatusMovedPermanently)
	})
	text, err := f.lookup().EnvironmentFile(t.Context(), role, file("arn:aws:s3:::b/k.env"))
	if err != nil || string(text) != "A=1" || len(f.made()) != 2 || !strings.HasPrefix(f.made()[0], "s3 ap-south-1 ") {
		t.Errorf("got %q %v, calls %q", text, err, f.made())
	}
}

func TestPlace(t *testing.T) {
	for name, c := range map[string]struct{ backend, endpoint, arn, want string }{
		"AWS":           {"https://ecs.eu-west-1.amazonaws.com", "", "arn:aws:s3:::bucket/a b.env", "https://bucket.s3.eu-west-1.amazonaws.com/a%20b.env"},
		"dots":          {"https://ecs.eu-west-1.amazonaws.com", "", "arn:aws:s3:::my.bucket/k.env", "https://s3.eu-west-1.amazonaws.com/my.bucket/k.env"},
		"China":         {"https://ecs.eu-west-1.amazonaws.com", "", "arn:aws-cn:s3:::bucket/k.env", "https://bucket.s3.eu-west-1.amazonaws.com.cn/k.env"},
		"control plane": {"http://127.0.0.1:4566", "", "arn:aws:s3:::bucket/k.env", "http://127.0.0.1:4566/bucket/k.env"},
		"named":         {"http://127.0.0.1:4566", "https://minio.example:9000/s3/", "arn:aws:s3:::bucket/a+b.env", "https://minio.example:9000/s3/bucket/a%2Bb.env"},
		"no URL":        {"http://127.0.0.1:4566", "minio", "arn:aws:s3:::bucket/k.env", `endpoint "minio" of S3 is not a URL`},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseObject(c.arn)
			if err != nil {
				t.Fatal(err)
			}
			l := New(Config{AWS: awscall.New(c.backend, "", nil), Region: region, Endpoints: Endpoints{S3: c.endpoint}})
			u, err := l.place(o, region)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = u.String()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestS3StandIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "objects", "bucket", "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"objects/bucket/dir/app.env": "A=1", "secret.env": "not for tasks"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := newAWS(t).lookup(func(c *Config) { c.S3Dir = filepath.Join(dir, "objects") })
	if text, err := l.EnvironmentFile(t.Context(), nil, file("arn:aws:s3:::bucket/dir/app.env")); err != nil || string(text) != "A=1" {
		t.Errorf("got %q %v", text, err)
	}
	for _, key := range []string{"none.env", "dir", "../../secret.env"} {
		_, err := l.EnvironmentFile(t.Context(), nil, file("arn:aws:s3:::bucket/"+key))
		if err == nil || !strings.Contains(err.Error(), "NoSuchKey: The specified key does not exist.") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}
