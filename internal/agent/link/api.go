package link

import (
	"context"
	"fmt"
	"net/http"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const (
	ecsTarget = "AmazonEC2ContainerServiceV20141113"
	ecrTarget = "AmazonEC2ContainerRegistry_V20150921"
)

// Config says where the control plane is and who we are.
type Config struct {
	Backend     string // URL of the API endpoint
	Region      string
	Cluster     string // name or ARN, as configured
	Credentials sigv4.Credentials
	Version     Version
	HTTP        *http.Client // nil: a client of its own
}

// Version is what the agent says of itself.
type Version struct {
	Agent, Hash, Runtime string // Runtime such as "containerd 1.6.20"
}

// UserAgent is the one string that goes with every call.
func (v Version) UserAgent() string {
	return fmt.Sprintf("Amazon ECS Agent - v%s (%s) (linux; LINUX) (+https://github.com/slipway/slipway)", v.Agent, v.Hash)
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	cfg Config
	aws *awscall.Client
}

// NewClient makes a client.
func NewClient(cfg Config) *Client {
	return &Client{cfg: cfg, aws: awscall.New(cfg.Backend, cfg.Version.UserAgent(), cfg.HTTP)}
}

// AWS is the client of the endpoint, for the other services that it answers for.
func (c *Client) AWS() *awscall.Client { return c.aws }

// ecs calls an ECS operation with the instance's credentials.
func (c *Client) ecs(ctx context.Context, operation string, in, out any) error {
	return c.aws.JSON(ctx, "ecs", ecsTarget+"."+operation, c.cfg.Region, c.cfg.Credentials, in, out)
}
