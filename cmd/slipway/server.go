package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/internal/server"
	"github.com/slipway/slipway/internal/store"
)

// serverOptions are the flags of `slipway server`.
type serverOptions struct {
	dataDir, listen, region, registryHost string
	store                                 []string
	tlsCert, tlsKey                       string
	insecure                              bool
	logs                                  logFlags
}

func serverCommand() *cobra.Command {
	var o serverOptions
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the control plane alone; several may share one external etcd",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServer(cmd, o)
		},
	}
	f := cmd.Flags()
	dataDirFlag(cmd, &o.dataDir)
	f.StringVar(&o.listen, "listen", "127.0.0.1:4566", "`HOST:PORT` of the API")
	f.StringVar(&o.region, "region", "us-east-1", "AWS region that `slipway env` names")
	f.StringVar(&o.registryHost, "registry-host", "", "`HOST:PORT` in the repository URIs that users see; empty: the listen address")
	f.StringSliceVar(&o.store, "store", nil, "`URLS` of an external etcd cluster; empty: an etcd in the data directory")
	f.StringVar(&o.tlsCert, "tls-cert", "", "`FILE` with the certificate chain, PEM")
	f.StringVar(&o.tlsKey, "tls-key", "", "`FILE` with the private key, PEM")
	f.BoolVar(&o.insecure, "insecure", false, "serve plain HTTP on an address that is not loopback")
	o.logs.add(cmd)
	return cmd
}

func runServer(cmd *cobra.Command, o serverOptions) (err error) {
	cert, err := o.certificate()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", o.listen, err)
	}
	home, err := installation.Open(o.dataDir, func(string) (netip.Prefix, error) { return netip.Prefix{}, nil })
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, home.Close()) }()
	if o.registryHost == "" {
		o.registryHost = listener.Addr().String()
	}
	srv, err := server.Open(cmd.Context(), server.Config{
		DataDir: home.Dir, Region: o.region, Store: store.Config{Endpoints: o.store, Compact: true},
		RegistryHost: o.registryHost, Log: o.logs.logger(cmd.ErrOrStderr()),
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	srv.Listen(listener, cert)
	url := "http://" + listener.Addr().String()
	if cert != nil {
		url = "https://" + listener.Addr().String()
	}
	err = home.WriteEndpoint(installation.Endpoint{URL: url, Region: o.region})
	if err == nil {
		fmt.Fprintln(cmd.OutOrStdout(), "ready:", url)
		<-cmd.Context().Done()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	return errors.Join(err, srv.Close(ctx))
}

// certificate returns the TLS configuration, nil for plain HTTP, which is only
// served on loopback unless the user insists.
func (o serverOptions) certificate() (*tls.Config, error) {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	if o.tlsCert != "" {
		cert, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("load the certificate: %w", err)
		}
		return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: %w", o.listen, err)
	}
	ip := net.ParseIP(host)
	if !o.insecure && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen %s is not loopback: give --tls-cert and --tls-key, or --insecure to serve plain HTTP", o.listen)
	}
	return nil, nil
}
