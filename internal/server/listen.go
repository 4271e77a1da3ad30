package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// listener is one address that the control plane is served on.
type listener struct {
	http *http.Server
	done chan struct{}
}

// Listen serves the control plane on l, with TLS when cfg is not nil, until
// Close.
func (s *Server) Listen(l net.Listener, cfg *tls.Config) {
	if cfg != nil {
		l = tls.NewListener(l, cfg)
	}
	ln := &listener{
		http: &http.Server{
			Handler: s.handler(),
			// A client that sends its head slowly holds a connection for no
			// longer; bodies and answers may be large and take their time.
			ReadHeaderTimeout: 20 * time.Second,
			IdleTimeout:       3 * time.Minute,
			MaxHeaderBytes:    64 << 10,
		},
		done: make(chan struct{}),
	}
	s.mu.Lock()
	s.listeners = append(s.listeners, ln)
	s.mu.Unlock()
	go func() {
		defer close(ln.done)
		if err := ln.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Log.Error("listener ended", "addr", l.Addr().String(), "err", err)
		}
	}()
}

func (s *Server) closeListeners(ctx context.Context) error {
	s.mu.Lock()
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	var errs []error
	for _, ln := range listeners {
		if err := ln.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("shut down listener: %w", err), ln.http.Close())
		}
		<-ln.done
	}
	return errors.Join(errs...)
}
