package image

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestLogins(t *testing.T) {
	cfg := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	data := map[string]string{
		"docker": `{"https://index.docker.io/v1/":{"username":"hub","password":"h","email":"e@x"},"reg.example":{"username":"all","password":"a"},
			"https://reg.example/team":{"username":"team","password":"t"},"other.example:5000":{"username":"port","password":"p"},"only.example/team":{"username":"only","password":"o"}}`,
		"dockercfg": `{"https://index.docker.io/v1/":{"auth":"` + cfg("hub:h") + `"},"reg.example":{"auth":"` + cfg("all:a") + `"},
			"reg.example/team":{"auth":"` + cfg("team:t") + `"},"http://other.example:5000":{"auth":"` + cfg("port:p") + `"},"only.example/team":{"auth":"` + cfg("only:o") + `"}}`,
	}
	for kind, text := range data {
		logins, err := ParseLogins(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		for ref, want := range map[string]string{
			"busybox": "hub", "me/app:1": "hub", "docker.io/me/app": "hub", "registry-1.docker.io/me/app": "hub",
			"reg.example/app:1": "all", "reg.example/team/app:1": "team", "other.example:5000/a": "port", "other.example/a": "",
			"only.example/team/a": "only", "only.example/b": "", "localhost/a": "", "reg.example.evil/app": "",
		} {
			if got := logins.For(ref); got.User != want || want != "" && got.Password != want[:1] {
				t.Errorf("%s, %s: got %+v, want %s", kind, ref, got, want)
			}
		}
	}
}

func TestLoginsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ kind, data, want string }{
		"unknown type": {"docker-config", "{}", `ECS_ENGINE_AUTH_TYPE: "docker-config" is neither docker nor dockercfg`},
		"no JSON":      {"docker", "s3cret", "ECS_ENGINE_AUTH_DATA: it is not JSON of type docker"},
		"no base64":    {"dockercfg", `{"a":{"auth":"s3cret!"},"b":{"auth":"dTpw"}}`, "ECS_ENGINE_AUTH_DATA: the auth of registry a is not base64 of user:password"},
		"no colon":     {"dockercfg", `{"a":{"auth":"dXA="},"b":{"auth":"dTpw"}}`, "ECS_ENGINE_AUTH_DATA: the auth of registry a is not base64 of user:password"},
	} {
		t.Run(name, func(t *testing.T) {
			logins, err := ParseLogins(c.kind, c.data)
			if err == nil || err.Error() != c.want || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v", err)
			}
			if c.kind == "dockercfg" && logins.For("b/c").User != "" {
				t.Error("b is no registry")
			}
			if c.kind == "dockercfg" && logins["b"] != (Login{"u", "p"}) {
				t.Errorf("the other login is lost: %v", logins)
			}
		})
	}
	if logins, err := ParseLogins("", "s3cret"); err != nil || logins.For("a.b/c") != (Login{}) {
		t.Errorf("not set: %v %v", logins, err)
	}
}
