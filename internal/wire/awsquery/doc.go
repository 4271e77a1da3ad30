// Package awsquery owns the forms and the XML of the query and ec2 protocols,
// which differ in little ([Dialect]): a decoder from form parameters, and an
// encoder of XML answers.
//
// The decoder is driven by the shape: it looks up what the shape has and
// ignores every other parameter, so it does no work in proportion to an index
// ("Filter.999999999.Name") or to a depth that a client makes up.
package awsquery

// Dialect is what query and ec2 differ in.
type Dialect struct {
	Flat bool   // lists in forms are Name.1, not Name.member.1
	Item string // element of list items in XML
}

// The two dialects.
var (
	Query = Dialect{Flat: false, Item: "member"}
	EC2   = Dialect{Flat: true, Item: "item"}
)
