// Package shape owns what generated API shapes are made of: the types that
// plain Go lacks ([Time], [Document]), the constraints that a model puts on
// members ([Constraint]), and the plans ([Plan]) by which the codecs walk a
// shape without looking at its tags again.
//
// A generated structure is a plain Go struct. Scalars are pointers, so that
// absent and zero differ; a nil list is absent and an empty one is present and
// empty. Its json tags hold the wire names, so encoding/json writes and reads
// the same JSON that the awsJson protocols do: that is how rooms persist what a
// user wrote. The aws tag holds what else a codec needs, comma separated:
//
//	req         the member is required
//	c=Name      constraint Name of the service's table holds for the member
//	q=Name      the member's name in query and ec2 requests, if not the json name
//	x=name      the member's name in XML answers, if not the json name
//	item=name   the element name of a list's items in XML, if not the protocol's
//	flat        a flattened list or map (query)
package shape
