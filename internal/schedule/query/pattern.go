package query

import (
	"regexp"
	"regexp/syntax"
)

// maxPattern bounds the size of a pattern, repetitions written out, so that no expression can make a scheduler spend
// its time on matching.
const maxPattern = 1000

func (p *parser) patternTest(arg argument) (func(string) bool, error) {
	// Parsed alone first, so that a stray parenthesis can't escape the group around it.
	tree, err := syntax.Parse(arg.text, syntax.Perl)
	if err != nil || arg.text == "" {
		return nil, p.errorAt(arg.start, arg.end, "a regular expression")
	}
	if patternSize(tree) > maxPattern {
		return nil, p.errorAt(arg.start, arg.end, "a regular expression that is smaller with its repetitions written out")
	}
	pattern, err := regexp.Compile(`\A(?:` + arg.text + `)\z`)
	if err != nil {
		return nil, p.errorAt(arg.start, arg.end, "a regular expression")
	}
	return pattern.MatchString, nil
}

func patternSize(tree *syntax.Regexp) int {
	size := 1 + len(tree.Rune)
	if tree.Op == syntax.OpCharClass {
		size = 1
	}
	for _, sub := range tree.Sub {
		size = min(size+patternSize(sub), 2*maxPattern)
	}
	if tree.Op == syntax.OpRepeat {
		size = min(size*max(tree.Min, tree.Max, 1), 2*maxPattern)
	}
	return size
}
