package iam

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// managedPolicies are the policies that AWS has ready in every account. The
// documents are ours: what the AWS managed policy reference says that each allows,
// as far as Slipway has the services.
//
//go:embed managed.json
var managedPolicies []byte

type managedSet struct {
	list  []*Policy // in the order of their ARNs
	byARN map[string]*Policy
}

var managed = sync.OnceValue(func() managedSet {
	var written []struct {
		Path, Name, Description string
		Document                json.RawMessage
	}
	if err := json.Unmarshal(managedPolicies, &written); err != nil {
		panic(fmt.Sprintf("iam: managed.json: %v", err)) // a fault of the program, and its tests read the file
	}
	// What ECS users first saw of these: they change with Slipway, not with time.
	made := time.Date(2015, time.April, 9, 16, 14, 19, 0, time.UTC)
	set := managedSet{byARN: map[string]*Policy{}}
	for _, w := range written {
		var text bytes.Buffer
		if err := json.Compact(&text, w.Document); err != nil {
			panic(fmt.Sprintf("iam: managed.json: %s: %v", w.Name, err))
		}
		sum := sha256.Sum256([]byte(w.Name))
		p := &Policy{
			Name: w.Name, Path: w.Path, Description: w.Description, ID: "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17],
			Versions: []Version{{ID: "v1", Document: text.String(), CreatedAt: made}}, Default: "v1", Made: 1, CreatedAt: made, UpdatedAt: made,
		}
		set.list = append(set.list, p)
		set.byARN[p.ARN()] = p
	}
	return set
})

func awsManaged(policyARN string) (*Policy, bool) {
	p, ok := managed().byARN[policyARN]
	return p, ok
}

func awsPolicies() []*Policy { return managed().list }
