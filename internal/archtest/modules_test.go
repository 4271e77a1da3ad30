package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// described returns the modules of docs/decisions/0007-dependencies.md: those of
// the product, and those of tests, the demo and benchmarks.
func described(t *testing.T) (product, judges []string) {
	t.Helper()
	b, err := os.ReadFile(root + "docs/decisions/0007-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(b), "\nIn tests", 2)
	if len(parts) != 2 {
		t.Fatal("the two tables cannot be told apart")
	}
	return modulesIn(t, parts[0]), modulesIn(t, parts[1])
}

func modulesIn(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	name := regexp.MustCompile("`([^`]+/[^`]+)`")
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.Contains(cells[1], "`") {
			continue
		}
		if strings.TrimSpace(cells[2]) == "" {
			t.Errorf("no reason is given for%s", cells[1])
		}
		for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// required returns the direct dependencies of go.mod.
func required(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", root+"go.mod")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	return direct
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	direct := required(t)
	product, judges := described(t)
	listed := slices.Concat(product, judges)
	for _, m := range direct {
		if !slices.Contains(listed, m) {
			t.Errorf("%s has no line in docs/decisions/0007-dependencies.md: say why this one", m)
		}
	}
	for i, m := range listed {
		if !slices.Contains(direct, m) {
			t.Errorf("docs/decisions/0007-dependencies.md lists %s, which go.mod does not require directly", m)
		}
		if slices.Contains(listed[:i], m) {
			t.Errorf("docs/decisions/0007-dependencies.md lists %s twice", m)
		}
	}
}

// What judges the product is no part of it.
func TestJudgesStayOutOfTheProduct(t *testing.T) {
	_, judges := described(t)
	for _, p := range packages(t) {
		if !under(p.name(), "internal") && !under(p.name(), "cmd") || p.forTests() {
			continue
		}
		for _, imp := range p.Imports {
			if slices.ContainsFunc(judges, func(m string) bool { return under(imp, m) }) {
				t.Errorf("%s imports %s, which is for tests, the demo and benchmarks", p.name(), imp)
			}
		}
	}
}
