// Package archtest holds the house: imports go downward only, and every package
// says what it is for. docs/architecture.md has the picture.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/slipway/slipway/"

// rule forbids the packages under From to import those under To, but for Except.
type rule struct {
	From, To []string
	Except   []string
	Why      string
}

var rooms = []string{"internal/service/"}

var rules = []rule{
	{
		From: []string{"internal/agent"}, To: []string{"internal/store", "internal/service/", "internal/controller", "internal/session", "internal/server"},
		Except: []string{"internal/service/ecs/ecsshape", "internal/service/ecr/ecrshape"},
		Why:    "the agent could be another company's product: it knows AWS's protocol and the API shapes, no store and no room",
	},
	{
		From: []string{"internal/wire", "internal/apierr", "internal/arn", "internal/page", "internal/tag", "internal/store", "internal/agentproto", "internal/netns"},
		To:   []string{"internal/service/", "internal/controller", "internal/session", "internal/agent/", "internal/server", "internal/schedule"},
		Why:  "the ground floor knows no service",
	},
	{
		From: []string{"internal/schedule"}, To: []string{"internal/store", "internal/service/", "internal/wire", "internal/controller"},
		Why: "placement is pure: it decides over what it is given",
	},
	{
		From:   []string{"internal/service/ecs", "internal/service/ec2", "internal/service/ecr", "internal/service/iam"},
		To:     []string{"internal/wire"},
		Except: []string{"internal/wire/shape"},
		Why:    "a room knows no wire: only its front door (…api) does",
	},
	{
		From: []string{"internal/service/iam", "internal/service/ec2", "internal/service/ecr"}, To: []string{"internal/service/ecs"},
		Why: "floor 1 does not import floor 2; an effect that would go upward is a record that somebody watches",
	},
	{
		From: []string{"internal/controller"}, To: []string{"internal/wire", "internal/session"},
		Why: "controllers work on records, not on requests",
	},
	{
		From: []string{"internal/fabric"}, To: []string{"internal/service/", "internal/store", "internal/agent"},
		Why: "the fabric does as it is told; the control plane owns the addresses",
	},
}

// frontDoor tells the packages of a room that may know the wire.
func frontDoor(pkg string) bool {
	return strings.HasSuffix(pkg, "api") || strings.HasSuffix(pkg, "shape")
}

func TestImportsGoDownward(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range rules {
			if !under(name, r.From) || frontDoor(name) && slices.Contains(r.To, "internal/wire") {
				continue
			}
			for _, imp := range p.Imports {
				imp, ours := strings.CutPrefix(imp, module)
				if ours && under(imp, r.To) && !under(imp, r.Except) && !sameRoom(name, imp) {
					t.Errorf("%s imports %s: %s", name, imp, r.Why)
				}
			}
		}
	}
}

func TestSDKStaysOutOfTheProduct(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "github.com/aws/aws-sdk-go-v2") && strings.Contains(p.ImportPath, "/internal/") {
				t.Errorf("%s imports %s: the SDK judges the server, it is no part of it", p.ImportPath, imp)
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment: say what it owns, promises and refuses", p.ImportPath)
		}
	}
}

// sameRoom lets a room's own packages use each other.
func sameRoom(a, b string) bool {
	for _, room := range rooms {
		ra, oka := strings.CutPrefix(a, room)
		rb, okb := strings.CutPrefix(b, room)
		if oka && okb && first(ra) == first(rb) {
			return true
		}
	}
	return false
}

func first(path string) string {
	name, _, _ := strings.Cut(path, "/")
	return name
}

func under(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		d = strings.TrimSuffix(d, "/")
		return name == d || strings.HasPrefix(name, d+"/")
	})
}

type pkg struct {
	ImportPath, Doc  string
	Imports, GoFiles []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,Imports,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
