package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"testing"
)

// What a user sent and what we answer are the front door's to translate. A room
// may keep the parts that the user wrote (container definitions, network
// configuration), as AWS words them: nobody decides over those.
func TestRoomsSeeNoRequestsAndNoAnswers(t *testing.T) {
	message := regexp.MustCompile(`(Input|Output)$`)
	for _, p := range packages(t) {
		if r, _ := roomOf(p.name()); r.Name != "internal/service/ecs" {
			continue
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "ecsshape" && message.MatchString(sel.Sel.Name) {
					t.Errorf("%s: ecsshape.%s: only the front door sees inputs and outputs", fset.Position(sel.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
}
