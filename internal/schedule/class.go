package schedule

import (
	"hash/maphash"
	"maps"
	"slices"
)

// class is a set of attributes, shared by all instances that have exactly these. What a request makes of the
// attributes is decided once per class.
type class struct {
	attributes map[string]string
	number     int32 // unique among the classes of a fleet at one time
	instances  int
	hash       uint64
}

// classes finds the class of a set of attributes, and numbers classes without wide gaps.
type classes struct {
	byHash map[uint64][]*class
	free   []int32 // numbers below next that no class has
	next   int32
}

// shareFrom is the fleet size from which sharing classes pays; in smaller fleets each instance has its own.
const shareFrom = 16

// join returns the class of attributes for one more instance.
func (c *classes) join(attributes map[string]string, share bool) *class {
	if !share {
		return &class{attributes: attributes, number: c.number(), instances: 1}
	}
	hash := hashAttributes(attributes)
	for _, k := range c.byHash[hash] {
		if maps.Equal(k.attributes, attributes) {
			k.instances++
			return k
		}
	}
	k := &class{attributes: attributes, number: c.number(), instances: 1, hash: hash}
	if c.byHash == nil {
		c.byHash = map[uint64][]*class{}
	}
	c.byHash[hash] = append(c.byHash[hash], k)
	return k
}

func (c *classes) number() int32 {
	if last := len(c.free) - 1; last >= 0 {
		n := c.free[last]
		c.free = c.free[:last]
		return n
	}
	c.next++
	return c.next - 1
}

// leave says that an instance has left k; the last one takes the class with it.
func (c *classes) leave(k *class) {
	if k.instances--; k.instances > 0 {
		return
	}
	c.free = append(c.free, k.number)
	kept := slices.DeleteFunc(c.byHash[k.hash], func(other *class) bool { return other == k })
	if len(kept) == 0 {
		delete(c.byHash, k.hash)
	} else {
		c.byHash[k.hash] = kept
	}
}

// seed differs in each process, so that nobody can choose attributes that collide; it decides no outcome.
var seed = maphash.MakeSeed()

// hashAttributes does not depend on the order of the map.
func hashAttributes(attributes map[string]string) uint64 {
	sum := uint64(len(attributes))
	for name, value := range attributes {
		pair := maphash.String(seed, name)*0x9E3779B97F4A7C15 ^ maphash.String(seed, value)
		sum += pair * 0xD6E8FEB86659FD93
	}
	return sum
}
