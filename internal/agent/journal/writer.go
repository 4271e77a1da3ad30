package journal

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// write is the one writer; it ends after Close with a last attempt.
func (j *Journal) write() {
	defer close(j.idle)
	for {
		select {
		case <-j.wake:
		case <-j.stop:
			j.last()
			return
		}
		batch, commit := j.take()
		if batch != nil && !j.persist(batch, commit) {
			return
		}
	}
}

// take claims all that is pending; nil if nothing is.
func (j *Journal) take() (map[entry][]byte, *commit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.pending) == 0 {
		return nil, nil
	}
	batch, commit := j.pending, j.next
	j.pending, j.next = make(map[entry][]byte, len(batch)), newCommit()
	return batch, commit
}

// persist writes the batch, again and again until it is written; false if the
// journal was closed before.
func (j *Journal) persist(batch map[entry][]byte, commit *commit) bool {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := j.transact(batch)
		if err == nil {
			close(commit.done)
			return true
		}
		j.log.Error("journal write refused, trying again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-j.stop:
			err := j.transact(batch)
			if err != nil {
				err = fmt.Errorf("%w: %w", ErrClosed, err)
			}
			commit.err = err
			close(commit.done)
			j.last()
			return false
		}
	}
}

// last writes what is pending when the journal closes.
func (j *Journal) last() {
	batch, commit := j.take()
	if batch == nil {
		return
	}
	if err := j.transact(batch); err != nil {
		commit.err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	close(commit.done)
}

func (j *Journal) transact(batch map[entry][]byte) error {
	return j.db.Update(func(tx *bolt.Tx) error {
		for e, value := range batch {
			b, err := tx.CreateBucketIfNotExists([]byte(e.group))
			if err != nil {
				return err
			}
			if value == nil {
				err = b.Delete([]byte(e.key))
			} else {
				err = b.Put([]byte(e.key), value)
			}
			if err != nil {
				return fmt.Errorf("write %s/%s: %w", e.group, e.key, err)
			}
		}
		return nil
	})
}
