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
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func serveCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "serve", Short: "Den Dienst starten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := func() (Config, error) { return validConfig(config) }
			c, err := load()
			if err != nil {
				return usageError{err}
			}
			return serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), c, load)
		},
	}
	c.Flags().StringVar(&config, "config", "schleuse.yaml", "Konfigurationsdatei")
	return c
}

// validConfig reads a configuration file and checks it.
func validConfig(path string) (Config, error) {
	c, err := loadConfig(path)
	if err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return c, nil
}

func serve(ctx context.Context, out, errOut io.Writer, c Config, load func() (Config, error)) error {
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
	if err := printLogins(ctx, out, p, address(c, listener)); err != nil {
		return errors.Join(err, listener.Close())
	}
	defer tuneMemory()()  // not before: the start should leave a small heap
	go releaseMemory(ctx) // the port is open, nobody waits for it
	return newService(p, load).run(ctx, p, listener)
}

// printLogins names a link for the auditor of each tenant, so that the pages can be
// seen before persons sign in at a provider. With a provider there is none: whoever
// reads the output of the service is not the auditor.
func printLogins(ctx context.Context, out io.Writer, p *parts, at string) error {
	if p.config.SignIn.Enabled() {
		return nil
	}
	for _, t := range p.config.Tenants {
		link, err := p.sessions.NewLogin(ctx, identity.Person{Tenant: t.ID, Name: "Revision", Roles: []string{identity.RoleRevision}})
		if err != nil {
			return fmt.Errorf("make a login link for %s: %w", t.ID, err)
		}
		fmt.Fprintf(out, "Anmeldelink %s (einmalig, 30 Minuten): %s/login?t=%s\n", t.ID, at, link)
	}
	return nil
}

// listen opens the port, or says which one is taken and what to do.
func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("die Adresse %s ist nicht frei oder nicht nutzbar (%w); eine andere mit --listen oder in der Konfiguration wählen", address, err)
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
