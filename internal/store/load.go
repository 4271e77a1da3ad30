package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// pageSize is how many records one read takes from etcd, so that neither side builds a huge answer.
const pageSize = 5000

// errUnreadable: a stored value is not a record of its table.
var errUnreadable = errors.New("unreadable record")

// load reads all tables at one revision.
func (s *Store) load(ctx context.Context) (*Snapshot, error) {
	snap := s.replica.schema.empty(s.replica)
	for i := range snap.tables {
		snap.tables[i] = snap.tables[i].edit()
	}
	from, end := s.recordPrefix(), clientv3.GetPrefixRangeEnd(s.recordPrefix())
	for {
		resp, err := s.conn.Get(ctx, from,
			clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(snap.revision))
		if err != nil {
			return nil, fmt.Errorf("load records: %w", err)
		}
		if snap.revision == 0 {
			snap.revision = resp.Header.Revision
		}
		for _, kv := range resp.Kvs {
			c, ok, err := s.decode(kv)
			if err != nil {
				return nil, fmt.Errorf("load records: %w", err)
			}
			if ok {
				snap.change(c)
			}
		}
		if !resp.More {
			return snap, nil
		}
		from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
	}
}

// locate finds the table and key of an etcd key; keys of unknown tables are not ours to read.
func (s *Store) locate(etcdKey []byte) (location, bool) {
	rest, ok := strings.CutPrefix(string(etcdKey), s.recordPrefix())
	if !ok {
		return location{}, false
	}
	name, key, ok := strings.Cut(rest, "/")
	table, known := s.replica.schema.byName[name]
	return location{table, key}, ok && known
}

// decode makes a change of a stored value; ok is false for keys that belong to no table.
func (s *Store) decode(kv *mvccpb.KeyValue) (c change, ok bool, err error) {
	at, ok := s.locate(kv.Key)
	if !ok {
		return change{}, false, nil
	}
	rec, err := s.replica.schema.definitions[at.table].decode(kv.Value)
	if err != nil {
		return change{}, false, fmt.Errorf("%w %s: %w", errUnreadable, kv.Key, err)
	}
	return change{at, &entry{key: at.key, mod: kv.ModRevision, rec: rec}}, true, nil
}
