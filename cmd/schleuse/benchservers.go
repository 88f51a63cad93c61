// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/eval/bench/floor"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

func benchMockCommand() *cobra.Command {
	var address, tlsAddress, certificate string
	c := &cobra.Command{
		Use: "mock", Short: "Den Modellserver starten, der nichts rechnet", Args: noArgs,
		Long: "Antwortet auf Chat, Ströme, Embeddings, Rerank und Responses so, wie es ihm gesagt wird, auch mit Fehlern:\n" +
			"curl -X POST 'http://127.0.0.1:9100/control/settings?latency=20ms&ttft=50ms&gap=10ms&tokens=50&fault=die'\n" +
			"Stand: GET /control/stats, letzte Anfrage: GET /control/last, auf null: POST /control/reset",
		RunE: func(cmd *cobra.Command, _ []string) error {
			handler := mock.New().Handler()
			group, ctx := errgroup.WithContext(cmd.Context())
			if err := serveBench(ctx, group, cmd.OutOrStdout(), address, handler, nil); err != nil {
				return err
			}
			if tlsAddress != "" {
				own, text, err := mock.Certificate()
				if err != nil {
					return err
				}
				if err := os.WriteFile(certificate, text, 0o600); err != nil {
					return fmt.Errorf("write certificate: %w", err)
				}
				if err := serveBench(ctx, group, cmd.OutOrStdout(), tlsAddress, handler, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}); err != nil {
					return err
				}
			}
			return group.Wait()
		},
	}
	c.Flags().StringVar(&address, "listen", "127.0.0.1:9100", "Adresse, nur auf diesem Rechner")
	c.Flags().StringVar(&tlsAddress, "tls-listen", "", "zweite Adresse mit TLS und HTTP/2")
	c.Flags().StringVar(&certificate, "certificate", "mock.pem", "Datei für das Zertifikat von --tls-listen")
	return c
}

func benchFloorCommand() *cobra.Command {
	var address, upstream, mode, record string
	c := &cobra.Command{
		Use: "floor", Short: "Eine Untergrenze starten: das Wenigste, was eine Schleuse in Go tun kann", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			how := os.O_CREATE | os.O_APPEND | os.O_WRONLY
			if floor.Mode(mode) == floor.Durable {
				how = os.O_CREATE | os.O_TRUNC | os.O_RDWR // written to at its places
			}
			file, err := os.OpenFile(record, how, 0o600)
			if err != nil {
				return fmt.Errorf("open record: %w", err)
			}
			defer func() { _ = file.Close() }()
			handler, err := floor.New(cmd.Context(), floor.Mode(mode), upstream, file)
			if err != nil {
				return usageError{err}
			}
			group, ctx := errgroup.WithContext(cmd.Context())
			if err := serveBench(ctx, group, cmd.OutOrStdout(), address, handler, nil); err != nil {
				return err
			}
			return group.Wait()
		},
	}
	c.Flags().StringVar(&address, "listen", "127.0.0.1:9110", "Adresse, nur auf diesem Rechner")
	c.Flags().StringVar(&upstream, "upstream", "http://127.0.0.1:9100", "Modellserver, ohne /v1")
	c.Flags().StringVar(&mode, "mode", string(floor.OPA), "raw, rawfd, gin, opa oder durable")
	c.Flags().StringVar(&record, "record", os.DevNull, "Datei für die Zeilen von opa und die Einträge von durable")
	return c
}

// serveBench listens, says where, and serves until the context ends.
func serveBench(ctx context.Context, group *errgroup.Group, out io.Writer, address string, handler http.Handler, secure *tls.Config) error {
	if err := loopback(address); err != nil {
		return usageError{err}
	}
	l, err := listen(ctx, address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second}
	scheme := "http://"
	if secure != nil {
		scheme = "https://"
	}
	group.Go(func() error { return serveListener(server, l) })
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	_, err = fmt.Fprintln(out, scheme+l.Addr().String())
	return err
}

func serveListener(server *http.Server, l net.Listener) error {
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// benchServeCommand is serve with a switch for CPU profiles beside it. It is no
// way to run a service.
func benchServeCommand() *cobra.Command {
	var config, folder, address string
	c := &cobra.Command{
		Use: "serve", Short: "Den Dienst starten und CPU-Profile aufnehmen, wenn es verlangt wird", Args: noArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loadAgain := func() (Config, error) { return validConfig(config) }
			c, err := loadAgain()
			if err != nil {
				return usageError{err}
			}
			group, ctx := errgroup.WithContext(cmd.Context())
			profiles := &profiler{folder: folder}
			if err := serveBench(ctx, group, cmd.ErrOrStderr(), address, profiles.handler(), nil); err != nil {
				return err
			}
			group.Go(func() error { return serve(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), c, loadAgain) })
			return group.Wait()
		},
	}
	c.Flags().StringVar(&config, "config", "schleuse.yaml", "Konfigurationsdatei")
	c.Flags().StringVar(&folder, "profiles", ".", "Ordner für die Profile")
	c.Flags().StringVar(&address, "profile-listen", "127.0.0.1:0", "Adresse für POST /start/NAME und POST /stop")
	return c
}

// profiler writes one CPU profile at a time into its folder.
type profiler struct {
	folder string
	mu     sync.Mutex
	file   *os.File
}

func (p *profiler) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /start/{name}", func(w http.ResponseWriter, r *http.Request) {
		if err := p.start(r.PathValue("name")); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.stop(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

func (p *profiler) start(name string) error {
	if ok, err := regexp.MatchString(`^[a-z0-9-]{1,40}$`, name); !ok || err != nil {
		return errors.New("the name of a profile has lower-case letters, digits and hyphens")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		return errors.New("a profile is being taken already")
	}
	file, err := os.Create(filepath.Join(p.folder, name+".pprof")) //nolint:gosec // name is one of the scenarios of this program
	if err != nil {
		return fmt.Errorf("create profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return errors.Join(err, file.Close())
	}
	p.file = file
	return nil
}

func (p *profiler) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	pprof.StopCPUProfile()
	err := p.file.Close()
	p.file = nil
	return err
}
