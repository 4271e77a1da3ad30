package session_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
)

func TestLoginsOfOurRegistryAreWhereTheAgentDialled(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	p.run()
	m := expect[agentproto.Payload](a, agentproto.TypePayload)
	want := &agentproto.RegistryAuthentication{Type: "ecr", ECRAuthData: &agentproto.ECRAuthData{
		RegistryID: scope.Account, Region: scope.Region, EndpointOverride: p.url,
	}}
	if diff := cmp.Diff(want, m.Tasks[0].Containers[0].RegistryAuthentication); diff != "" {
		t.Error(diff)
	}
}
