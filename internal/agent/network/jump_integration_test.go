//go:build integration

package network

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

func jump(from, to *nftables.Chain) *nftables.Rule {
	return &nftables.Rule{Table: from.Table, Chain: from, Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: to.Name}}}
}
