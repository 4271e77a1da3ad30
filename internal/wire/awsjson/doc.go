// Package awsjson owns the JSON of the awsJson protocols: a decoder that takes
// what AWS takes and refuses the rest in AWS's words, and an encoder.
//
// The decoder ignores unknown members, treats null as absent, refuses a value
// of another type, a number out of range, malformed or invalid UTF-8 text and
// nesting deeper than MaxDepth. It reads in one pass and keeps no reference to
// its input. The encoder writes members in the order of the model, zeros and
// empty lists included, absent ones left out.
package awsjson
