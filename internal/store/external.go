package store

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// conn is a client of the etcd that holds the records.
type conn struct {
	*clientv3.Client
	embedded *embedded // nil for an external etcd
}

// dial makes a client of an external etcd. It does not wait for an answer.
func dial(endpoints []string, security *tls.Config, log *zap.Logger) (*conn, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints,
		TLS:       security,
		Logger:    log,
		// A peer that vanished without a word is noticed within the sum of the two.
		DialKeepAliveTime:    3 * time.Second,
		DialKeepAliveTimeout: 2 * time.Second,
		MaxCallSendMsgSize:   2 * maxRequestBytes,
		// Every member of the cluster should be tried anew within a second or two of its return.
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 2 * time.Second,
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd at %v: %w", endpoints, err)
	}
	return &conn{Client: client}, nil
}

func (c *conn) stop() error {
	err := c.Client.Close()
	if c.embedded != nil {
		// The in-process client has no connection to lose; its Close only reports that its context ended.
		return c.embedded.stop()
	}
	return err
}

// full says whether etcd has raised the alarm that its quota is used up.
func (c *conn) full(ctx context.Context) bool {
	if c.embedded != nil {
		return len(c.embedded.server.Alarms()) > 0
	}
	for _, endpoint := range c.Endpoints() {
		if st, err := c.Status(ctx, endpoint); err == nil {
			return slices.ContainsFunc(st.Errors, func(e string) bool { return strings.Contains(e, "NOSPACE") })
		}
	}
	return false
}
