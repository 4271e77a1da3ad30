package store

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// proposal is a transaction as etcd takes it. Its guards let it happen only once, however often it is sent.
type proposal struct {
	guards []clientv3.Cmp
	ops    []clientv3.Op
	writes []write
	mark   string
	marked bool     // does a value carry the mark?
	commit revision // what the replica takes once etcd has given it a number
}

// write is one key's new value; a nil value is a deletion.
type write struct {
	location
	etcdKey string
	value   []byte
}

// newWriter begins the marks of one store.
func newWriter() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// proposal encodes a transaction.
func (s *Store) proposal(tx *Tx) (*proposal, error) {
	p := &proposal{mark: s.marks.writer + "." + strconv.FormatUint(s.commits.Add(1), 36)}
	for at, e := range tx.written() {
		w := write{location: at, etcdKey: s.etcdKey(at)}
		if e.rec != nil {
			value, err := json.Marshal(e.rec)
			if err != nil {
				return nil, fmt.Errorf("encode record %s: %w", w.etcdKey, err)
			}
			w.value = value
		}
		p.writes = append(p.writes, w)
	}
	slices.SortFunc(p.writes, func(a, b write) int { return strings.Compare(a.etcdKey, b.etcdKey) })
	p.addMark()
	for _, w := range p.writes {
		if w.value == nil {
			p.ops = append(p.ops, clientv3.OpDelete(w.etcdKey))
		} else {
			p.ops = append(p.ops, clientv3.OpPut(w.etcdKey, string(w.value)))
		}
	}
	s.addGuards(p, tx)
	if err := p.checkSize(); err != nil {
		return nil, err
	}
	return p, p.decode(s.replica.schema)
}

func (s *Store) etcdKey(at location) string {
	return s.recordPrefix() + s.replica.schema.definitions[at.table].name + "/" + at.key
}

// addMark puts the mark into the first value that is a JSON object; readers ignore it.
func (p *proposal) addMark() {
	for i, w := range p.writes {
		if len(w.value) < 2 || w.value[0] != '{' {
			continue
		}
		marked := append(make([]byte, 0, len(w.value)+32), `{"_tx":"`...)
		marked = append(append(marked, p.mark...), '"')
		if w.value[1] != '}' {
			marked = append(marked, ',')
		}
		p.writes[i].value = append(marked, w.value[1:]...)
		p.marked = true
		return
	}
}

func (s *Store) addGuards(p *proposal, tx *Tx) {
	for at, mod := range tx.guards {
		p.guards = append(p.guards, clientv3.Compare(clientv3.ModRevision(s.etcdKey(at)), "=", mod))
	}
	for at := range tx.prefixes {
		p.guards = append(p.guards,
			clientv3.Compare(clientv3.ModRevision(s.etcdKey(at)).WithPrefix(), "<", tx.base.revision+1))
	}
}

// checkSize refuses what etcd would refuse, but says by how much.
func (p *proposal) checkSize() error {
	if n := max(len(p.ops), len(p.guards)); n > maxTxnOps {
		return fmt.Errorf("%w: %d keys written or guarded, at most %d", ErrTooLarge, n, maxTxnOps)
	}
	size := 0
	for _, w := range p.writes {
		size += len(w.etcdKey) + len(w.value) + 32
	}
	if size > maxRequestBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, maxRequestBytes)
	}
	return nil
}

// decode makes the records that readers get from what will be stored, so that this process sees the same as every
// other, and nobody shares a record with its writer. It comes before the commit, lest something unreadable be stored.
func (p *proposal) decode(schema *schema) error {
	for _, w := range p.writes {
		c := change{location: w.location}
		if w.value != nil {
			rec, err := schema.definitions[w.table].decode(w.value)
			if err != nil {
				return fmt.Errorf("%w %s: %w", errUnreadable, w.etcdKey, err)
			}
			c.entry = &entry{key: w.key, rec: rec}
		}
		p.commit.changes = append(p.commit.changes, c)
	}
	return nil
}

// numbered is the commit as the replica takes it.
func (p *proposal) numbered(number int64) revision {
	p.commit.number = number
	for _, c := range p.commit.changes {
		if c.entry != nil {
			c.entry.mod = number
		}
	}
	return p.commit
}
