package session

// sequence numbers the messages of one connection, payloads and manifests among
// them. Agents drop a manifest whose number is not above all that they saw, from
// whatever server: the connect that made the instance's record gave the numbers
// above which this connection's are.
type sequence struct{ last int64 }

func (q *sequence) next() int64 {
	q.last++
	return q.last
}
