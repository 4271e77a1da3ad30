package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGolden(t *testing.T) {
	out := filepath.Join(t.TempDir(), "shapes_gen.go")
	model, err := filepath.Abs("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-model", model, "-ops", "Moor,Launch,Moor", "-package", "boatshape", "-name", "boats", "-out", out}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/shapes.golden"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("generated source (-want +got):\n%s", diff)
	}
}

func TestModelsAreFoundByEnvironment(t *testing.T) {
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLIPWAY_MODELS", dir)
	ops := filepath.Join(t.TempDir(), "ops.txt")
	if err := os.WriteFile(ops, []byte("Launch\n\nMoor\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.go")
	if err := run([]string{"-model", "model.json", "-ops", "@" + ops, "-package", "p", "-out", out}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(out); err != nil || !strings.Contains(string(b), "type MoorInput struct{}") {
		t.Errorf("generated %q, %v", b, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name string
		m    model
		ops  []string
		want string
	}{
		{"operation that is not there", model{}, []string{"Fly"}, "operation Fly: not in the model"},
		{"shape that is not there", model{Operations: map[string]*operation{"Fly": {Input: &ref{Shape: "Nope"}}}}, []string{"Fly"}, `operation Fly: no shape "Nope" in the model`},
		{"name taken twice", model{
			Operations: map[string]*operation{"Fly": {Input: &ref{Shape: "In"}}},
			Shapes: map[string]*shapeDef{
				"In":  {Type: "structure", Members: map[string]*ref{"a": {Shape: "fly"}}},
				"fly": {Type: "structure"},
			},
		}, []string{"Fly"}, "operation Fly: member a of In: identifier Fly wanted by operation Fly and shape fly"},
		{"type without Go", model{
			Operations: map[string]*operation{"Fly": {Input: &ref{Shape: "In"}}},
			Shapes: map[string]*shapeDef{
				"In": {Type: "structure", Members: map[string]*ref{"a": {Shape: "B"}}},
				"B":  {Type: "bigDecimal"},
			},
		}, []string{"Fly"}, `shape B: no Go type for "bigDecimal"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := generate(&tc.m, options{pkg: "p", ops: tc.ops})
			if err == nil || err.Error() != tc.want {
				t.Errorf("error = %v, want %s", err, tc.want)
			}
		})
	}
}

func TestConstantName(t *testing.T) {
	for value, want := range map[string]string{
		"EC2": "EC2", "DELETE_IN_PROGRESS": "DeleteInProgress", "json-file": "JSONFile", "distinctInstance": "DistinctInstance", "tcp": "TCP", "X86_64": "X8664", "service:x": "ServiceX",
	} {
		if got := constantName(value); got != want {
			t.Errorf("constantName(%q) = %s, want %s", value, got, want)
		}
	}
}
