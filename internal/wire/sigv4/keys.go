package sigv4

import "sync"

// maxKeys bounds the cache; it is emptied when full, which costs four hashes a
// key to fill again.
const maxKeys = 4096

type keyID struct{ secret, date, region, service string }

// keyCache keeps signing keys by what they derive from.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyID][]byte
}

// get returns the key, derived afresh if it is not known yet.
func (c *keyCache) get(id keyID) (key []byte, known bool) {
	c.mu.RLock()
	key, known = c.keys[id]
	c.mu.RUnlock()
	if !known {
		key = signingKey(id)
	}
	return key, known
}

func (c *keyCache) put(id keyID, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = make(map[keyID][]byte)
	}
	c.keys[id] = key
}

func signingKey(id keyID) []byte {
	key := mac([]byte("AWS4"+id.secret), []byte(id.date))
	key = mac(key, []byte(id.region))
	key = mac(key, []byte(id.service))
	return mac(key, []byte(terminator))
}
