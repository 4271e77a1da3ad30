// Package doctor says what this machine lacks to run Slipway's containers, and
// the command that mends it.
//
// Every check tries the real thing where it can: it makes a bridge, a veth pair
// and an nftables rule in a throw-away network namespace, mounts an overlay, and
// talks to containerd, rather than looking for a module's name. It changes
// nothing and leaves nothing behind.
package doctor

import (
	"context"
	"fmt"
	"io"
)

// Finding is the outcome of one check.
type Finding struct {
	Name   string
	OK     bool
	Detail string // what was found
	Fix    string // the command that mends it, or what to do; empty when OK
	// Optional findings do not keep Slipway from running.
	Optional bool
}

// Config says what is checked.
type Config struct {
	Containerd string // socket of the containerd that would be used
	DataDir    string // where the state will be
}

type check func(ctx context.Context, cfg Config) Finding

// checks run in this order; the first ones are what the later ones need.
var checks = []check{checkRoot, checkCgroups, checkNetwork, checkOverlay, checkContainerd, checkRuntime, checkDisk}

// Run performs every check.
func Run(ctx context.Context, cfg Config) []Finding {
	out := make([]Finding, 0, len(checks))
	for _, c := range checks {
		out = append(out, c(ctx, cfg))
	}
	return out
}

// Healthy tells whether nothing that Slipway needs is missing.
func Healthy(findings []Finding) bool {
	for _, f := range findings {
		if !f.OK && !f.Optional {
			return false
		}
	}
	return true
}

// Print writes the findings for a person, one line each and the remedy below.
func Print(w io.Writer, findings []Finding) {
	for _, f := range findings {
		mark := "ok     "
		switch {
		case !f.OK && f.Optional:
			mark = "notice "
		case !f.OK:
			mark = "MISSING"
		}
		fmt.Fprintf(w, "%s  %-12s %s\n", mark, f.Name, f.Detail)
		if !f.OK && f.Fix != "" {
			fmt.Fprintf(w, "         %-12s fix: %s\n", "", f.Fix)
		}
	}
}
