// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func serveCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "serve", Short: "Den Dienst starten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(config)
			if err != nil {
				return usageError{err}
			}
			if err := c.Validate(); err != nil {
				return usageError{fmt.Errorf("%s:\n%w", config, err)}
			}
			return serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), c)
		},
	}
	c.Flags().StringVar(&config, "config", "schleuse.yaml", "Konfigurationsdatei")
	return c
}

func serve(ctx context.Context, out, errOut io.Writer, c Config) error {
	logger := slog.New(slog.NewJSONHandler(errOut, nil))
	p, err := build(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() {
		if err := p.close(); err != nil {
			logger.LogAttrs(ctx, slog.LevelError, "shutdown incomplete", slog.Any("error", err))
		}
	}()
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	if err := p.publishKey(); err != nil {
		return err
	}
	fmt.Fprintf(out, "KI-Schleuse %s auf %s, Regelstand %s.\n", version, listener.Addr(), p.engine.Revision())
	for _, t := range c.Tenants {
		link := p.sessions.NewLogin(identity.Person{Tenant: t.ID, Name: "Verwaltung", Roles: []string{identity.RoleRevision}})
		fmt.Fprintf(out, "Anmeldelink %s (einmalig, 30 Minuten): %s/login?t=%s\n", t.ID, address(c, listener), link)
	}
	return p.run(ctx, listener)
}

// listen opens the port, or says which one is taken and what to do.
func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the address %s cannot be used (%w); choose another one with --listen or in the configuration", address, err)
	}
	return listener, nil
}

func address(c Config, l net.Listener) string {
	if c.TLS.Cert != "" {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// publishKey writes the public key of the seal beside the record.
func (p *parts) publishKey() error {
	return os.WriteFile(filepath.Join(p.config.Data, publicKeyFile), []byte(p.record.PublicKeys()[0]+"\n"), 0o600)
}

// run serves until the context ends, then lets running answers finish.
func (p *parts) run(ctx context.Context, listener net.Listener) error {
	server := p.api.HTTPServer(listener.Addr().String(), p.handler())
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error {
		var err error
		if p.config.TLS.Cert != "" {
			err = server.ServeTLS(listener, p.config.TLS.Cert, p.config.TLS.Key)
		} else {
			err = server.Serve(listener)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	group.Go(func() error { return p.syncSources(inner) })
	group.Go(func() error {
		p.verifyRegularly(inner)
		return nil
	})
	group.Go(func() error {
		<-inner.Done()
		p.api.Drain()
		ending, cancel := context.WithTimeout(context.WithoutCancel(inner), shutdownTime)
		defer cancel()
		return server.Shutdown(ending)
	})
	return group.Wait()
}

const (
	shutdownTime = 30 * time.Second
	verifyEvery  = time.Hour
)

// verifyRegularly proves the record at the start and every hour, for the seal in
// the header of the pages. Somebody who wants to be sure presses the button.
func (p *parts) verifyRegularly(ctx context.Context) {
	for {
		report, err := p.record.Verify(ctx)
		if err == nil {
			p.pages.Verified(report.OK(), time.Now())
		}
		if err == nil && !report.OK() || err != nil && ctx.Err() == nil {
			p.logger.LogAttrs(ctx, slog.LevelError, "record not verified", slog.Int("problems", len(report.Problems)), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(verifyEvery):
		}
	}
}
