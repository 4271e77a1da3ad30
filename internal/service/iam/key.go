package iam

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// AccessKey is a key that requests are signed with, and whom it stands for.
type AccessKey struct {
	ID           string    `json:"id"`     // AKIA and 16 of A-Z2-7
	Secret       string    `json:"secret"` // 40 characters of base64
	Account      string    `json:"account"`
	Principal    string    `json:"principal"`              // ARN of whom the key stands for
	UserID       string    `json:"userId"`                 // the account for root, AROA…:session for a role
	SessionToken string    `json:"sessionToken,omitempty"` // must accompany requests, if there is one
	Expires      time.Time `json:"expires,omitzero"`       // zero: never
	Allow        []string  `json:"allow"`                  // action patterns such as "ecs:Submit*"; none: nothing
	Instance     string    `json:"instance,omitempty"`     // EC2 instance that the key was issued to
	CreatedAt    time.Time `json:"createdAt"`
}

// Key is the record's store key. An instance has one key, so its id is the key
// of the record and issuing twice meets the first one.
func (k *AccessKey) Key() string {
	if k.Instance != "" {
		return instanceKey(k.Account, k.Instance)
	}
	return store.Key(k.Account, global, "key", k.ID)
}

func instanceKey(account, instance string) string {
	return store.Key(account, global, "instance", instance)
}

// InstanceRole is the role that container instances act in.
const InstanceRole = "ecsInstanceRole"

// instanceActions is what the agent of a container instance calls: the managed
// policy AmazonEC2ContainerServiceforEC2Role without ec2:DescribeTags, the tag reads
// that the agent does with tag propagation, what ECS Exec needs, and log groups
// (awslogs-create-group), which users at AWS add to the role.
var instanceActions = []string{
	"ecs:CreateCluster",
	"ecs:DeregisterContainerInstance",
	"ecs:DiscoverPollEndpoint",
	"ecs:ListTagsForResource",
	"ecs:Poll",
	"ecs:RegisterContainerInstance",
	"ecs:StartTelemetrySession",
	"ecs:Submit*",
	"ecs:TagResource",
	"ecs:UpdateContainerInstancesState",
	"ecr:BatchCheckLayerAvailability",
	"ecr:BatchGetImage",
	"ecr:GetAuthorizationToken",
	"ecr:GetDownloadUrlForLayer",
	"logs:CreateLogGroup",
	"logs:CreateLogStream",
	"logs:PutLogEvents",
	"ssmmessages:CreateControlChannel",
	"ssmmessages:CreateDataChannel",
	"ssmmessages:OpenControlChannel",
	"ssmmessages:OpenDataChannel",
}

// IssueInstanceKey returns the key with which the EC2 instance of that id calls
// the APIs, and makes it at the first call. It stands for the instance's session
// of the instance role and may do what an ECS agent does, nothing else; a key
// that an older Slipway made learns what agents do now.
func (r *Room) IssueInstanceKey(ctx context.Context, account, instanceID string) (AccessKey, error) {
	if k, ok := Keys.Get(r.st.Snapshot(), instanceKey(account, instanceID)); ok && slices.Equal(k.Allow, instanceActions) {
		return *k, nil
	}
	var key AccessKey
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if k, ok := Keys.Get(tx, instanceKey(account, instanceID)); ok {
			key = *k
			key.Allow = instanceActions
			Keys.Put(tx, &key)
			return nil
		}
		session := arn.New("sts", "", account, "assumed-role/"+InstanceRole+"/"+instanceID)
		key = newKey(account, session.String(), roleID(account, InstanceRole)+":"+instanceID, instanceActions)
		key.Instance = instanceID
		Keys.Put(tx, &key)
		return nil
	})
	if err != nil {
		return AccessKey{}, fmt.Errorf("issue key of %s: %w", instanceID, err)
	}
	return key, nil
}

// RevokeInstanceKey takes an instance's key away, as its termination does. It is
// no error if there is none.
func (r *Room) RevokeInstanceKey(ctx context.Context, account, instanceID string) error {
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if _, ok := Keys.Get(tx, instanceKey(account, instanceID)); ok {
			Keys.Delete(tx, instanceKey(account, instanceID))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("revoke key of %s: %w", instanceID, err)
	}
	return nil
}

// Lookup finds a key by its id, expired or not. The record is shared: read only.
func (r *Room) Lookup(accessKeyID string) (*AccessKey, bool) {
	for k := range Keys.By(r.st.Snapshot(), indexID, accessKeyID) {
		return k, true
	}
	return nil, false
}

func newKey(account, principal, userID string, allow []string) AccessKey {
	return AccessKey{
		ID: newKeyID(), Secret: newSecret(), Account: account,
		Principal: principal, UserID: userID, Allow: allow, CreatedAt: time.Now().UTC(),
	}
}

// roleID is the AROA… id of a role: the same for the same role of an account.
func roleID(account, role string) string {
	sum := sha256.Sum256([]byte(account + "/" + role))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
