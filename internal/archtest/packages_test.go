package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const (
	module = "github.com/slipway/slipway/"
	root   = "../../"
)

// pkg is a package of this module as `go list` tells of it; tests do not count.
type pkg struct {
	ImportPath, Dir, Doc string
	Imports, GoFiles     []string
}

// name is the path within the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// forTests tells of a package that only tests import, such as iamtest.
func (p pkg) forTests() bool { return strings.HasSuffix(p.ImportPath, "test") }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-tags=integration,e2e", "-json=ImportPath,Dir,Doc,Imports,GoFiles", module+"...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
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

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment: say what it owns, promises and refuses", p.name())
		}
	}
}

func TestTheMapNamesEveryRoom(t *testing.T) {
	b, err := os.ReadFile(root + "docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages(t) {
		rest, ok := strings.CutPrefix(p.name(), "internal/")
		if !ok {
			continue
		}
		first, _, _ := strings.Cut(rest, "/")
		if text := string(b); !strings.Contains(text, "internal/"+first) && !strings.Contains(text, "`"+first+"`") {
			t.Errorf("docs/architecture.md says nothing of internal/%s", first)
		}
	}
}
