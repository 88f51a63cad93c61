// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// client speaks to a running server with an API key.
type client struct {
	url, key string
	person   string // who releases; the server takes it for the calling system's word
}

const clientTimeout = 10 * time.Minute

func addServerFlags(f *pflag.FlagSet, server, key *string) {
	f.StringVar(server, "server", "", "Adresse eines laufenden Dienstes, zum Beispiel http://127.0.0.1:8080")
	f.StringVar(key, "key", "", "API-Schlüssel; Vorgabe aus SCHLEUSE_KEY")
}

// post sends JSON and decodes the answer. A problem becomes a *gateway.Error.
func (c *client) post(ctx context.Context, path string, body, into any) error {
	raw, err := c.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, nil)
}

func (c *client) do(ctx context.Context, method, path string, body any) ([]byte, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		in = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.url, "/")+path, in)
	if err != nil {
		return nil, usageError{sayOf(err, "--server: %q ist keine Adresse wie https://schleuse.example.", c.url)}
	}
	key := c.key
	if key == "" {
		key = os.Getenv("SCHLEUSE_KEY")
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	if c.person != "" {
		r.Header.Set(identity.HeaderUser, c.person)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, sayAt("--server "+c.url, err)
	}
	defer answer.Body.Close()
	raw, err := readBounded(answer.Body, c.url)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return nil, problemOf(answer.StatusCode, raw)
	}
	return raw, nil
}

// problemOf is the error a server described (RFC 9457).
func problemOf(status int, raw []byte) error {
	var p struct {
		Code   gateway.Code `json:"code"`
		Detail string       `json:"detail"`
		Path   string       `json:"path"`
	}
	if json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		return say("Der Server hat mit dem Status %d und ohne Erklärung geantwortet; ist --server die Adresse einer KI-Schleuse?", status)
	}
	return &gateway.Error{Op: "call server", Code: p.Code, Message: p.Detail, Path: p.Path}
}
