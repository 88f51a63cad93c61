// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// service is a process that serves: the ground and the configuration in force.
// A new configuration takes the place of the old one between two requests: those
// under way end with the parts they began with, streams too.
type service struct {
	*ground
	// load reads the configuration again; nil: it cannot change.
	load    func() (Config, error)
	current atomic.Pointer[era]
	tls     atomic.Pointer[tls.Config]
}

type verdict struct {
	ok bool
	at time.Time
}

// era is a configuration in force with what runs for it in the background.
type era struct {
	parts   *parts
	handler http.Handler
	admin   http.Handler
	stop    context.CancelFunc
	done    chan struct{}
}

func newService(p *parts, load func() (Config, error)) *service {
	return &service{ground: p.ground, load: load}
}

// ServeHTTP answers with the parts that are in force when the request arrives.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.current.Load().handler.ServeHTTP(w, r)
}

func (s *service) serveAdmin(w http.ResponseWriter, r *http.Request) {
	s.current.Load().admin.ServeHTTP(w, r)
}

// run serves until the context ends, then lets running answers finish.
func (s *service) run(ctx context.Context, first *parts, listener net.Listener) error {
	if err := s.loadCertificates(first.config); err != nil {
		return err
	}
	if err := s.noteStart(ctx, first.config); err != nil {
		return errors.Join(err, listener.Close())
	}
	group, inner := errgroup.WithContext(ctx)
	s.begin(inner, first)
	defer func() { s.end(context.WithoutCancel(ctx), s.current.Load()) }()
	public := first.api.HTTPServer(listener.Addr().String(), s)
	servers := []*http.Server{public}
	if s.settled.AdminListen != "" {
		second, err := listen(ctx, s.settled.AdminListen)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		admin := first.api.HTTPServer(second.Addr().String(), http.HandlerFunc(s.serveAdmin))
		servers = append(servers, admin)
		s.logger.LogAttrs(ctx, slog.LevelInfo, "operators are served", slog.String("address", second.Addr().String()))
		group.Go(func() error { return closed(admin.Serve(second)) })
	}
	group.Go(func() error { return s.serve(public, listener) })
	group.Go(func() error { return s.tenants.Run(inner) })
	group.Go(func() error {
		s.verifyRegularly(inner)
		return nil
	})
	group.Go(func() error {
		s.vault.Run(inner)
		return nil
	})
	group.Go(func() error {
		s.access.Run(inner)
		return nil
	})
	group.Go(func() error { return s.keepRecord(inner, first.config.Record) })
	group.Go(func() error {
		s.reloadOnSignal(inner)
		return nil
	})
	group.Go(func() error {
		<-inner.Done()
		return s.shutdown(context.WithoutCancel(inner), servers...)
	})
	return group.Wait()
}

func (s *service) serve(server *http.Server, listener net.Listener) error {
	if s.settled.TLS {
		server.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12,
			// Certificates change without a new start.
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls.Load(), nil },
		}
		return closed(server.ServeTLS(listener, "", ""))
	}
	return closed(server.Serve(listener))
}

func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutdown first says that no new requests should come, then waits for running
// answers as long as the configuration grants.
func (s *service) shutdown(ctx context.Context, servers ...*http.Server) error {
	now := s.current.Load().parts
	now.api.Drain()
	time.Sleep(now.config.drainTime())
	ctx, cancel := context.WithTimeout(ctx, now.config.shutdownTime())
	defer cancel()
	var problems []error
	for _, server := range servers {
		problems = append(problems, server.Shutdown(ctx))
	}
	return errors.Join(problems...)
}

// begin puts parts in force.
func (s *service) begin(ctx context.Context, p *parts) {
	ctx, stop := context.WithCancel(ctx)
	if v := s.verified.Load(); v != nil {
		p.pages.Verified(v.ok, v.at)
	}
	next := &era{parts: p, handler: p.handler(), admin: p.adminHandler(), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(next.done)
		p.background(ctx)
	}()
	p.lead(ctx)
	if last := s.current.Swap(next); last != nil {
		s.end(context.WithoutCancel(ctx), last)
	}
}

// end stops what runs in the background for parts that are no longer in force.
// Requests that still use the parts are not touched.
func (s *service) end(ctx context.Context, e *era) {
	e.stop()
	<-e.done
	if err := e.parts.own.close(); err != nil {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "old configuration not closed", slog.Any("error", err))
	}
}

// reloadOnSignal reads the configuration again on SIGHUP.
func (s *service) reloadOnSignal(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			if err := s.reload(ctx); err != nil {
				s.logger.LogAttrs(ctx, slog.LevelError, "configuration not reloaded; the old one stays in force", slog.Any("error", err))
				continue
			}
			s.logger.LogAttrs(ctx, slog.LevelInfo, "configuration reloaded", slog.String("policies", s.current.Load().parts.engine.Revision()))
		}
	}
}

// reload puts the configuration of the file in force and says so in the record, or
// changes nothing.
func (s *service) reload(ctx context.Context) error {
	if s.load == nil {
		return errors.New("this process has no configuration file")
	}
	c, err := s.load()
	if err != nil {
		return err
	}
	c = c.withDefaults()
	if changed := s.settled.changed(c.settled()); len(changed) > 0 {
		return fmt.Errorf("%s cannot change while the process runs; start it again", strings.Join(changed, ", "))
	}
	p, err := assemble(ctx, s.ground, c)
	if err != nil {
		return err
	}
	old := s.current.Load().parts.config
	if err := s.noteReload(ctx, c); err != nil {
		return errors.Join(err, p.own.close())
	}
	if err := s.loadCertificates(c); err != nil {
		s.noteNotReloaded(ctx, old)
		return errors.Join(err, p.own.close())
	}
	p.findTools(ctx)
	if err := s.tenants.Configure(ctx, c.Tenants); err != nil {
		s.noteNotReloaded(ctx, old)
		return errors.Join(err, p.own.close())
	}
	s.begin(ctx, p)
	return nil
}

// loadCertificates reads certificate and key from their files.
func (s *service) loadCertificates(c Config) error {
	if c.TLS.Cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	authorities, err := identity.ClientCAs(c.Identity.ClientCA...)
	if err != nil {
		return fmt.Errorf("identity.client_ca: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	identity.ServerTLS(config, authorities)
	s.tls.Store(config)
	return nil
}

const verifyEvery = time.Hour

// verify proves the whole record and remembers what came of it.
func (g *ground) verify(ctx context.Context) (audit.VerifyReport, error) {
	report, err := g.record.Verify(ctx)
	if err == nil {
		g.verified.Store(&verdict{ok: report.OK(), at: time.Now()})
	}
	return report, err
}

// verifyRegularly proves the record at the start and every hour, for the seal in
// the header of the pages. Somebody who wants to be sure presses the button.
func (s *service) verifyRegularly(ctx context.Context) {
	for {
		report, err := s.verify(ctx)
		if v := s.verified.Load(); err == nil {
			s.current.Load().parts.pages.Verified(v.ok, v.at)
		}
		if report.WitnessError != "" {
			s.logger.LogAttrs(ctx, slog.LevelWarn, "record not compared with all witnesses", slog.String("error", report.WitnessError))
		}
		if err == nil && !report.OK() || err != nil && ctx.Err() == nil {
			s.logger.LogAttrs(ctx, slog.LevelError, "record not verified", slog.Int("problems", len(report.Problems)), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(verifyEvery):
		}
	}
}

// findTools asks the servers of released tools what they offer, so that a new
// configuration begins with them. One that is slow is asked again later.
func (p *parts) findTools(ctx context.Context) {
	if len(p.config.ToolServers) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	p.tools.Refresh(ctx)
}

// background is what runs while the configuration of the parts is in force.
func (p *parts) background(ctx context.Context) {
	go p.router.Run(ctx)
	go p.tools.Run(ctx)
	go p.followPolicies(ctx)
	if err := p.syncSources(ctx); err != nil {
		p.logger.LogAttrs(ctx, slog.LevelError, "sources not synchronised", slog.Any("error", err))
	}
}
