package schedule

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"
)

// Ports is an immutable set of port numbers; the zero value is empty. It keeps 64 neighbours in one word, so that the
// few ports that an instance has in use cost a few words, and two sets are compared a word at a time.
type Ports struct{ words []portWord }

// portWord holds the ports from 64*index on.
type portWord struct {
	index uint16
	bits  uint64
}

// PortsOf is the set of the given ports.
func PortsOf(ports ...uint16) Ports {
	var words []portWord
	for _, port := range ports {
		at, found := slices.BinarySearchFunc(words, port>>6, byIndex)
		if !found {
			words = slices.Insert(words, at, portWord{index: port >> 6})
		}
		words[at].bits |= 1 << (port & 63)
	}
	return Ports{words}
}

func byIndex(w portWord, index uint16) int { return cmp.Compare(w.index, index) }

// Has reports whether port is in the set.
func (p Ports) Has(port uint16) bool {
	at, found := slices.BinarySearchFunc(p.words, port>>6, byIndex)
	return found && p.words[at].bits&(1<<(port&63)) != 0
}

// Len is the number of ports in the set.
func (p Ports) Len() int {
	n := 0
	for _, w := range p.words {
		n += bits.OnesCount64(w.bits)
	}
	return n
}

// All yields the ports in ascending order.
func (p Ports) All() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for _, w := range p.words {
			for rest := w.bits; rest != 0; rest &= rest - 1 {
				if !yield(w.index<<6 | uint16(bits.TrailingZeros64(rest))) {
					return
				}
			}
		}
	}
}

// Overlaps reports whether the sets share a port.
func (p Ports) Overlaps(q Ports) bool {
	a, b := p.words, q.words
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].index < b[0].index:
			a = a[1:]
		case a[0].index > b[0].index:
			b = b[1:]
		case a[0].bits&b[0].bits != 0:
			return true
		default:
			a, b = a[1:], b[1:]
		}
	}
	return false
}

// Union is the set of the ports in p or q.
func (p Ports) Union(q Ports) Ports {
	if len(q.words) == 0 {
		return p
	}
	words := slices.Clone(p.words)
	for _, w := range q.words {
		at, found := slices.BinarySearchFunc(words, w.index, byIndex)
		if !found {
			words = slices.Insert(words, at, portWord{index: w.index})
		}
		words[at].bits |= w.bits
	}
	return Ports{words}
}

// Minus is the set of the ports in p that are not in q.
func (p Ports) Minus(q Ports) Ports {
	if len(q.words) == 0 {
		return p
	}
	words := slices.Clone(p.words)
	for _, w := range q.words {
		if at, found := slices.BinarySearchFunc(words, w.index, byIndex); found {
			words[at].bits &^= w.bits
		}
	}
	return Ports{slices.DeleteFunc(words, func(w portWord) bool { return w.bits == 0 })}
}
