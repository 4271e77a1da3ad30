package session

// sequence numbers the payloads and manifests of one instance. Agents drop a
// manifest whose number is not above all that they saw, from whatever server, so
// the numbers grow with the store's revision, which only grows: a session starts
// with the revision that its own connect made, above all that any earlier
// session of the instance can have used.
type sequence struct{ last int64 }

// perRevision is the room for messages between two revisions.
const perRevision = 1 << 20

func (q *sequence) next(revision int64) int64 {
	q.last = max(q.last+1, revision*perRevision)
	return q.last
}
