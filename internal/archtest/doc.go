// Package archtest holds the house: who may import whom, where API shapes end,
// which modules the product is made of, and that every package says what it is
// for. docs/architecture.md has the picture; house_test.go is the same picture
// for the compiler's eyes, with the reason for each line.
//
// It has tests and nothing else. A rule that stands in the way is changed there,
// with a new reason, and not worked around.
package archtest
