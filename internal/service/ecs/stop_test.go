package ecs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// stopSamples calls every constructor with the placeholders that the table for
// people uses.
var stopSamples = map[string]Stop{
	"StopEssentialExit":       StopEssentialExit(),
	"StopFailedToStart":       StopFailedToStart("REASON"),
	"StopUnplaceable":         StopUnplaceable("REASON"),
	"StopNetworkTimeout":      StopNetworkTimeout(),
	"StopByUser":              StopByUser("REASON"),
	"StopByScaling":           StopByScaling("ecs-svc/N"),
	"StopByTargetHealth":      StopByTargetHealth("ARN"),
	"StopByClassicHealth":     StopByClassicHealth("NAME"),
	"StopByContainerHealth":   StopByContainerHealth(),
	"StopByRebalancing":       StopByRebalancing("ecs-svc/N"),
	"StopBySpotInterruption":  StopBySpotInterruption(),
	"StopByTerminationNotice": StopByTerminationNotice(),
	"StopHostTerminated":      StopHostTerminated("ID"),
	"StopHostStopped":         StopHostStopped("ID"),
	"StopByDeregistration":    StopByDeregistration(),
}

func TestDocsTableIsTheListOfStops(t *testing.T) {
	documented := map[string]Stop{}
	page, err := os.ReadFile("../../../docs/why-a-task-stops.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 6 {
			continue
		}
		cell := func(i int) string { return strings.Trim(cells[i], " `") }
		if name := cell(4); strings.HasPrefix(name, "Stop") {
			documented[name] = Stop{Code: strings.TrimSuffix(cell(1), "none"), Reason: cell(2)}
		}
	}
	if diff := cmp.Diff(stopSamples, documented); diff != "" {
		t.Errorf("docs/why-a-task-stops.md differs from stop.go (-code +docs):\n%s", diff)
	}
}

func TestEveryStopConstructorHasASample(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "stop.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !fn.Name.IsExported() {
			continue
		}
		if _, ok := stopSamples[fn.Name.Name]; !ok {
			t.Errorf("constructor %s is not in stopSamples", fn.Name.Name)
		}
	}
}

func TestOnlyStopGoMakesStops(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "stop.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if id, ok := lit.Type.(*ast.Ident); ok && id.Name == "Stop" && len(lit.Elts) > 0 {
				t.Errorf("%s makes a Stop by hand; use a constructor of stop.go", name)
			}
			return true
		})
	}
}

func TestStopReasonDefaultsAndLimits(t *testing.T) {
	if got := StopByUser(""); got.Reason != "Task stopped by user" {
		t.Errorf("StopByUser without a reason says %q", got.Reason)
	}
	if got := StopFailedToStart(""); got.Reason != "Task failed to start" {
		t.Errorf("StopFailedToStart without a reason says %q", got.Reason)
	}
	long := StopByUser(strings.Repeat("ä", 1000)).Reason
	if len(long) > maxStopReason || !utf8.ValidString(long) {
		t.Errorf("long reason is %d bytes, valid %t", len(long), utf8.ValidString(long))
	}
}
