//go:build e2e

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway/slipway/test/image"
	"github.com/slipway/slipway/test/machine"
)

var (
	binary    = flag.String("slipway", "../../bin/slipway", "the slipway binary")
	webBinary = flag.String("web", "../../bin/demo-web", "the web server that is put into an image")
)

// The Slipway that tests share, and the image of the web server.
var (
	shared   *site
	webImage v1.Image
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == fmt.Sprint(defaultParallel()) {
		// Tests mostly wait for containers; the number of cores says little.
		_ = flag.Set("test.parallel", "6")
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run starts the shared Slipway, runs the tests, ends it, and looks at what is
// left on the machine.
func run(m *testing.M) (code int, err error) {
	if os.Geteuid() != 0 {
		return 1, errors.New("these tests need root: run `make e2e`")
	}
	for _, path := range []*string{binary, webBinary} {
		if *path, err = filepath.Abs(*path); err != nil {
			return 1, err
		}
		if _, err := os.Stat(*path); err != nil {
			return 1, fmt.Errorf("%w: build it with `make e2e`", err)
		}
	}
	if webImage, err = image.FromBinary(*webBinary); err != nil {
		return 1, err
	}
	root, err := os.MkdirTemp("", "slipway-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(root)
	dataRoot = root
	before, err := machine.Look(*binary, root)
	if err != nil {
		return 1, err
	}
	if code, err = runShared(m); err != nil {
		return 1, err
	}
	return code, left(before, root)
}

func runShared(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if shared, err = newSite(ctx); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, shared.slipway.Stop()
}

// left says what is on the machine that was not there before. The kernel removes
// some things a little later than it says so: they get a few looks.
func left(before machine.State, words ...string) error {
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		after, err := machine.Look(append(words, *binary)...)
		if err != nil {
			return err
		}
		found := machine.Left(before, after)
		if len(found) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			var errs []error
			for _, line := range found[:min(len(found), 40)] {
				errs = append(errs, fmt.Errorf("left behind: %s", line))
			}
			return fmt.Errorf("%d things are left behind: %w", len(found), errors.Join(errs...))
		}
		<-tick.C
	}
}
