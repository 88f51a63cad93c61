// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/eval/bench/compare"
	"github.com/ki-schleuse/schleuse/eval/bench/edge"
	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// gatewayOptions vary the gateway that is measured.
type gatewayOptions struct {
	database string
	before   string // RecordConfig.Before
	profiles string
}

// compareConfig runs this program again for every part.
func compareConfig(errOut io.Writer, o gatewayOptions) (compare.Config, error) {
	program, err := os.Executable()
	if err != nil {
		return compare.Config{}, fmt.Errorf("find this program: %w", err)
	}
	if o.profiles != "" {
		if o.profiles, err = filepath.Abs(o.profiles); err != nil {
			return compare.Config{}, fmt.Errorf("--profile: %w", err)
		}
		if err := os.MkdirAll(o.profiles, 0o700); err != nil {
			return compare.Config{}, fmt.Errorf("--profile: %w", err)
		}
	}
	return compare.Config{
		Program: program, Progress: errOut, Errors: nil, // the access log of a load test helps nobody
		Prepare: func(folder string, u compare.Upstream) (compare.Gateway, error) { return prepareGateway(folder, u, o) },
	}, nil
}

// prepareGateway writes the configuration of a town with one system: every part
// that a request meets in production is on, and nothing is relaxed.
func prepareGateway(folder string, u compare.Upstream, o gatewayOptions) (compare.Gateway, error) {
	ports, err := freePorts(3)
	if err != nil {
		return compare.Gateway{}, err
	}
	secret := []byte(hex.EncodeToString(randomSecret()))
	secretFile := filepath.Join(folder, "secret")
	if err := os.WriteFile(secretFile, secret, 0o600); err != nil {
		return compare.Gateway{}, fmt.Errorf("prepare the gateway: %w", err)
	}
	key, id, hash := identity.NewKey("bench", derive(secret, "api keys"))
	raw, err := yaml.Marshal(benchConfig(folder, secretFile, ports, u, o, map[string]any{
		"id": id, "hash": hash, "expires": time.Now().AddDate(0, 0, 2).UTC().Format(time.RFC3339),
		"purposes": []string{"chat", "summarise"}, "default_purpose": "chat",
	}))
	if err != nil {
		return compare.Gateway{}, fmt.Errorf("prepare the gateway: %w", err)
	}
	file := filepath.Join(folder, "schleuse.yaml")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return compare.Gateway{}, fmt.Errorf("prepare the gateway: %w", err)
	}
	base := "http://" + ports[0]
	g := compare.Gateway{
		Args: []string{"serve", "--config", file}, Ready: base + "/readyz", Metrics: "http://" + ports[1] + "/metrics",
		Target: edge.Target{
			Name: compare.Ours, URL: base + "/v1", Model: compare.Model, Embeddings: compare.EmbeddingModel, Rerank: compare.RerankModel,
			HTTP2: compare.HTTP2Model, Headers: map[string]string{"Authorization": "Bearer " + key},
		},
	}
	if o.profiles != "" {
		g.Args = []string{"bench", "serve", "--config", file, "--profiles", o.profiles, "--profile-listen", ports[2]}
		g.Profile = "http://" + ports[2]
	}
	return g, nil
}

// benchConfig is the configuration by the names of the file, so that it is read
// as strictly as everybody's.
func benchConfig(folder, secretFile string, ports []string, u compare.Upstream, o gatewayOptions, key map[string]any) map[string]any {
	model := func(id, endpoint string, operation gateway.Operation) map[string]any {
		return map[string]any{
			"id": id, "endpoint": endpoint, "operations": []string{string(operation)}, "residency": string(gateway.ResidencyOwn),
			"operator": "Rechenzentrum Beispiel", "country": "DE", "processor_kind": "own", "contract": "AVV-2026-014",
			"para80_notice": "2026-03-11", "para30_ao": true, "art9": true,
			"data_classes": []string{"public", "internal", "personal", "art9", "sozialdaten", "steuer", "trade"},
		}
	}
	endpoint := func(address string) map[string]any { return map[string]any{"url": address, "allow_private": true} }
	c := map[string]any{
		"listen": ports[0], "admin_listen": ports[1], "data": filepath.Join(folder, "data"), "secret_file": secretFile, "origin": "schleuse-bench",
		"tenants": []any{map[string]any{
			"id": "stadt", "name": "Stadt Tannberg", "land": "BW", "active": true,
			"systems": []any{map[string]any{"id": "bench", "name": "Messung", "channel": "caseworker", "keys": []any{key}}},
		}},
		"endpoints": map[string]any{"mock": endpoint(u.HTTP), "mock-tls": endpoint(u.TLS)},
		"models": []any{
			model(compare.Model, "mock", gateway.OperationChat), model(compare.HTTP2Model, "mock-tls", gateway.OperationChat),
			model(compare.EmbeddingModel, "mock", gateway.OperationEmbeddings), model(compare.RerankModel, "mock", gateway.OperationRerank),
		},
	}
	if o.before != "" {
		c["record"] = map[string]any{"before": o.before}
	}
	if o.database != "" {
		c["database"] = o.database
	}
	return c
}

// freePorts are addresses that nobody uses now. Another program may take one
// before the gateway does; then the gateway says so and the run ends.
func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		out = append(out, l.Addr().String())
	}
	return out, nil
}
