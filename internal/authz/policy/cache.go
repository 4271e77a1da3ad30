package policy

import "sync"

// Cache keeps documents that were read, by their text: a policy that is changed
// has another text, so nothing in it is ever stale. The zero value is empty and
// ready. It is safe for concurrent use.
type Cache struct {
	mu   sync.RWMutex
	docs map[cacheKey]*Document
}

type cacheKey struct {
	text string
	kind Kind
}

// maxCached bounds the cache: some 100 MB if every text were as long as AWS
// allows, 4 MB as they are. A full cache is emptied.
const maxCached = 4096

// Parse is the function Parse, remembered. A document that is refused is not.
func (c *Cache) Parse(text string, kind Kind) (*Document, error) {
	key := cacheKey{text, kind}
	c.mu.RLock()
	d, ok := c.docs[key]
	c.mu.RUnlock()
	if ok {
		return d, nil
	}
	d, err := Parse(text, kind)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.docs == nil || len(c.docs) >= maxCached {
		c.docs = make(map[cacheKey]*Document)
	}
	c.docs[key] = d
	return d, nil
}
