package logstore

import "encoding/binary"

// The kinds of keys, each key's first byte.
const (
	kindEvent  = 'e'
	kindIndex  = 's'
	kindLatest = 'l'
	kindMeta   = 'm'
)

const (
	eventHead  = 16               // bytes of an event's value before its message
	eventKey   = 1 + 8 + 8 + 8    // bytes of an event's key
	indexKey   = eventKey + 8     // bytes of an index key
	latestKey  = 1 + 8 + 8        // bytes of a latest key
	latestSize = 16               // bytes of a latest value
	endOfTime  = int64(1)<<62 - 1 // later than any event
)

// Position is where an event stands in its group and in its stream.
type Position struct {
	Time int64  // of the event, milliseconds since 1970
	Seq  uint64 // order of arrival, unique in the store
}

// Next is the first position after p.
func (p Position) Next() Position { return Position{p.Time, p.Seq + 1} }

// Before tells whether p comes before o.
func (p Position) Before(o Position) bool {
	return p.Time < o.Time || p.Time == o.Time && p.Seq < o.Seq
}

// At is the position before all events of the time.
func At(ms int64) Position { return Position{Time: min(max(ms, 0), endOfTime)} }

// End is the position after all events.
func End() Position { return Position{Time: endOfTime} }

// Range is the positions from From up to, not including, To.
type Range struct{ From, To Position }

// key joins a kind and numbers.
func key(kind byte, numbers ...uint64) []byte {
	b := append(make([]byte, 0, indexKey+8), kind)
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

func (p Position) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.Time))
	return binary.BigEndian.AppendUint64(b, p.Seq)
}

// position reads the position with which a key ends.
func position(k []byte) Position {
	k = k[len(k)-16:]
	return Position{int64(binary.BigEndian.Uint64(k)), binary.BigEndian.Uint64(k[8:])}
}

// number reads the n-th number of a key.
func number(k []byte, n int) uint64 { return binary.BigEndian.Uint64(k[1+8*n:]) }

// after is the first key that does not begin with prefix, which is not all 0xff:
// the kinds are letters.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; ; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
}
