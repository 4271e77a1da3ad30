package ecs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// amazonReasons are the names of errors that Amazon's agent 1.105.1 reports.
const amazonReasons = `CannotPullContainerError CannotPullContainerAuthError CannotPullECRContainerError
	CannotPullImageManifestError CannotCreateContainerError CannotStartContainerError CannotStopContainerError
	CannotInspectContainerError CannotRemoveContainerError CannotCreateVolumeError CannotInspectVolumeError
	CannotGetDockerclientError CannotGetDockerClientVersionError ContainerNetworkingError ContainerVanishedError
	DockerTimeoutError DockerClientConfigError HostConfigError InvalidVolumeError NoSuchContainerError OutOfMemoryError
	ResourceInitializationError TaskDependencyError TaskStoppedBeforePullBeginError TaskStateError UnrecogniedTaskError`

// innerReasons come within another reason only: the words of an SDK for a service
// that does not answer.
var innerReasons = []string{"RequestError"}

var (
	reasonName    = regexp.MustCompile(`^([A-Z][A-Za-z]+Error)(: |$)`)
	reasonInTable = regexp.MustCompile("`([A-Z][A-Za-z]+Error)[`:]")
)

// TestDocsTableIsTheListOfAgentsReasons: the page names every error of either
// agent, and says of each whether ours makes it.
func TestDocsTableIsTheListOfAgentsReasons(t *testing.T) {
	page, err := os.ReadFile("../../../docs/why-a-task-stops.md")
	if err != nil {
		t.Fatal(err)
	}
	var all, ours []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range reasonInTable.FindAllStringSubmatch(cells[1], -1) {
			all = append(all, m[1])
			switch by := strings.TrimSpace(cells[3]); by {
			case "both agents":
				ours = append(ours, m[1])
			case "Amazon's agent":
			default:
				t.Errorf("%s is said by %q", m[1], by)
			}
		}
	}
	slices.Sort(all)
	slices.Sort(ours)
	if diff := cmp.Diff(slices.Sorted(slices.Values(strings.Fields(amazonReasons))), all); diff != "" {
		t.Errorf("the page differs from the names of Amazon's agent (-agent +page):\n%s", diff)
	}
	if diff := cmp.Diff(agentReasons(t), ours); diff != "" {
		t.Errorf("the page differs from internal/agent (-code +page):\n%s", diff)
	}
}

// agentReasons are the names with which strings of our agent's code begin: those
// before a colon, and of those that stand alone Amazon's, for others are the
// names of errors of services.
func agentReasons(t *testing.T) []string {
	t.Helper()
	amazons := strings.Fields(amazonReasons)
	found := map[string]bool{}
	err := filepath.WalkDir("../../agent", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				if m := reasonName.FindStringSubmatch(text); m != nil && (m[2] != "" || slices.Contains(amazons, m[1])) {
					found[m[1]] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range innerReasons {
		delete(found, name)
	}
	return slices.Sorted(maps.Keys(found))
}
