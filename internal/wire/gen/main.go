// Command gen writes the Go shapes of an AWS API from its model.
//
//	go run ./internal/wire/gen -model ecs.json -ops @operations.txt -package ecsshape -out shapes_gen.go
//
// A model is a botocore-style service-2.json (prose is not needed). A relative
// model path is looked up in the directory that the environment variable
// SLIPWAY_MODELS names, by default ../shared/models beside the module. Models
// are input only and are not kept in the repository; the generated file is.
//
// It writes the named operations and what they reach, and nothing else: plain
// structs with json and aws tags (see package shape), one wire.Operation each,
// the constants of enumerations, error codes, the constraints that inputs refer
// to, and the wire.Service value API with the names of all operations that AWS has.
// The codecs are reflective, so there is no code per shape.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var o options
	fs := flag.NewFlagSet("gen", flag.ContinueOnError)
	model := fs.String("model", "", "model file")
	ops := fs.String("ops", "", "operations, comma separated, or @file with one a line")
	out := fs.String("out", "shapes_gen.go", "file to write")
	fs.StringVar(&o.pkg, "package", "", "name of the package")
	fs.StringVar(&o.name, "name", "", "prefix of the service's IAM actions (default: its signing name)")
	fs.StringVar(&o.invalid, "invalid", "", "code of a violated constraint (default: the protocol's)")
	fs.StringVar(&o.text, "text", "", "format of a violated constraint's path and rule, where the service tells one at a time (default: AWS's usual)")
	fs.StringVar(&o.internal, "internal", "", "code of an internal error (default: ServerException if modelled, else the protocol's)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	if o.ops, err = operationNames(*ops); err != nil {
		return err
	}
	path, err := modelPath(*model)
	if err != nil {
		return err
	}
	m, err := readModel(path)
	if err != nil {
		return err
	}
	src, err := generate(m, o)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, src, 0o644)
}

func operationNames(arg string) ([]string, error) {
	text := strings.ReplaceAll(arg, ",", "\n")
	if file, ok := strings.CutPrefix(arg, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read operations: %w", err)
		}
		text = string(b)
	}
	names := strings.Fields(text)
	if len(names) == 0 {
		return nil, errors.New("no operations named")
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func modelPath(name string) (string, error) {
	if name == "" || filepath.IsAbs(name) {
		return name, nil
	}
	dir := os.Getenv("SLIPWAY_MODELS")
	if dir == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "..", "shared", "models")
	}
	return filepath.Join(dir, name), nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find module: no go.mod above the working directory")
		}
	}
}
