// Package query is the cluster query language: the expressions of memberOf placement constraints and of the filter
// of ListContainerInstances, such as
//
//	attribute:ecs.instance-type =~ t3.* and not(task:group == service:web)
//
// It owns the grammar, its limits and the meaning of every operator; it knows nothing of clusters or stores. [Parse]
// answers a [SyntaxError] that says where the text stopped making sense and what was expected there. A parsed [Expr]
// is immutable and safe for concurrent use.
//
// The grammar follows the page cluster-query-language of the Amazon ECS developer guide:
//
//	expression = and { ("or" | "||") and }
//	and        = unary { ("and" | "&&") unary }
//	unary      = ("not" | "!") unary | "(" expression ")" | comparison
//	comparison = subject operator [ argument ]
//	argument   = value | "[" value { "," value } "]"
//
// Values may stand in single or double quotes. Keywords and operator names are not case-sensitive; subjects are.
//
// An attribute that an instance lacks makes ==, in, =~ and the order operators false, and !=, !in and !~ true: the
// negative operators are the exact opposites of the positive ones. A task:group subject stands for all groups with a
// task on the instance: == holds when one of them is the value, != when none is.
//
// Two differences from AWS are known. Patterns are RE2, not Java: no look-around, back-references or possessive
// quantifiers (such a pattern is a syntax error); as in Java's matches(), a pattern must cover the whole value; and its size is
// bounded, repetitions written out. And the order operators compare attributes as strings, since an attribute has no type.
package query
