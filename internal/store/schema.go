package store

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// schemaVersion is the layout that this code reads and writes.
const schemaVersion = 1

// migration rewrites the records from the layout before to its own. It must bear being cut short and run again.
type migration func(ctx context.Context, kv clientv3.KV, prefix string) error

// migrations lead to the versions that they are listed under.
var migrations = map[int]migration{}

type schemaRecord struct {
	Version int `json:"version"`
}

// checkSchema writes the version into a new database, migrates an older one, and refuses a newer one.
func (s *Store) checkSchema(ctx context.Context) error {
	for {
		resp, err := s.conn.Get(ctx, s.schemaKey())
		if err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		var found schemaRecord
		var revision int64
		if len(resp.Kvs) > 0 {
			revision = resp.Kvs[0].ModRevision
			if err := json.Unmarshal(resp.Kvs[0].Value, &found); err != nil {
				return fmt.Errorf("read schema version: %w: %w", ErrSchema, err)
			}
		}
		switch {
		case found.Version == schemaVersion:
			return nil
		case found.Version > schemaVersion:
			return fmt.Errorf("%w: version %d, this program knows %d", ErrSchema, found.Version, schemaVersion)
		}
		if err := s.migrate(ctx, revision, found.Version); err != nil {
			return err
		}
	}
}

// migrate takes the database one version up; another process may do the same at the same time.
func (s *Store) migrate(ctx context.Context, revision int64, from int) error {
	to := schemaVersion
	if revision > 0 {
		to = from + 1
		step, ok := migrations[to]
		if !ok {
			return fmt.Errorf("migrate to schema version %d: %w: no way from version %d", to, ErrSchema, from)
		}
		if err := step(ctx, s.conn, s.cfg.Prefix); err != nil {
			return fmt.Errorf("migrate to schema version %d: %w", to, err)
		}
	}
	value, err := json.Marshal(schemaRecord{to})
	if err != nil {
		return err
	}
	_, err = s.conn.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(s.schemaKey()), "=", revision)).
		Then(clientv3.OpPut(s.schemaKey(), string(value))).
		Commit()
	if err != nil {
		return fmt.Errorf("write schema version: %w", err)
	}
	return nil
}
