package ecs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/store"
)

// runToken is the idempotency of one RunTask call; a nil one is a call without
// a clientToken.
type runToken struct {
	scope   Scope
	cluster string
	token   string
	digest  string
}

// errTokenTaken ends a placement whose token another call used in the meantime.
var errTokenTaken = errors.New("client token was used meanwhile")

// idempotency is the request's idempotency; nil without a clientToken.
func (req *RunTaskRequest) idempotency(s Scope) (*runToken, error) {
	if len(req.ClientToken) > maxClientToken {
		return nil, ErrInvalidParameter("clientToken should have at most %d characters.", maxClientToken)
	}
	name, ok := s.ClusterName(req.Cluster)
	if req.ClientToken == "" || !ok {
		return nil, nil
	}
	text, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	sum := sha256.Sum256(text)
	return &runToken{s, name, req.ClientToken, hex.EncodeToString(sum[:])}, nil
}

func (k *runToken) key() string { return k.scope.Key(k.cluster, k.token) }

// replay answers a repeated call with the tasks of the first one; found tells
// whether there was one.
func (k *runToken) replay(r store.Reader, now time.Time) (tasks []*Task, found bool, err error) {
	if k == nil {
		return nil, false, nil
	}
	before, ok := RunTokens.Get(r, k.key())
	if !ok || now.Sub(before.At) > runTokenLifetime {
		return nil, false, nil
	}
	if before.Digest != k.digest {
		return nil, true, k.conflict(before)
	}
	for _, id := range before.Tasks {
		if t, ok := Tasks.Get(r, k.scope.Key(k.cluster, id)); ok {
			tasks = append(tasks, t)
		}
	}
	return tasks, true, nil
}

// conflict is the answer to a token that comes back with other parameters.
func (k *runToken) conflict(before *RunToken) error {
	arns := make([]string, len(before.Tasks))
	for i, id := range before.Tasks {
		arns[i] = k.scope.ARN("task/" + k.cluster + "/" + id)
	}
	return apierr.Client("ConflictException",
		"The clientToken was used before with different parameters.").With("resourceIds", arns)
}

// claim remembers what the call starts, in the transaction that starts it. A
// call that starts nothing leaves its token free for another try.
func (k *runToken) claim(tx *store.Tx, tasks []*Task) error {
	if len(tasks) == 0 {
		return nil
	}
	if _, taken, _ := k.replay(tx, tasks[0].CreatedAt); taken {
		return errTokenTaken
	}
	rec := &RunToken{Scope: k.scope, Cluster: k.cluster, Token: k.token, Digest: k.digest, At: tasks[0].CreatedAt}
	for _, t := range tasks {
		rec.Tasks = append(rec.Tasks, t.ID)
	}
	RunTokens.Put(tx, rec)
	return nil
}
