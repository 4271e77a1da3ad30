package link

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// endpointLife is how long the ECS agent believes an answer of
// DiscoverPollEndpoint.
const endpointLife = 12 * time.Hour

// endpoints are the URLs of the two sockets.
type endpoints struct{ acs, tcs string }

// discovery remembers the endpoints. An expired answer still serves when there
// is no new one.
type discovery struct {
	client   *Client
	instance string

	mu    sync.Mutex
	known endpoints
	at    time.Time
}

func (d *discovery) get(ctx context.Context) (endpoints, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.at.IsZero() && time.Since(d.at) < endpointLife {
		return d.known, nil
	}
	in := ecsshape.DiscoverPollEndpointInput{Cluster: new(d.client.cfg.Cluster), ContainerInstance: new(d.instance)}
	var out ecsshape.DiscoverPollEndpointOutput
	err := d.client.ecs(ctx, "DiscoverPollEndpoint", in, &out)
	if err == nil && (deref(out.Endpoint) == "" || deref(out.TelemetryEndpoint) == "") {
		err = fmt.Errorf("discover poll endpoint: the answer lacks an endpoint")
	}
	if err != nil {
		if !d.at.IsZero() {
			return d.known, nil
		}
		return endpoints{}, err
	}
	d.known, d.at = endpoints{*out.Endpoint, *out.TelemetryEndpoint}, time.Now()
	return d.known, nil
}
