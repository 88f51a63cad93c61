// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// HTTP hands checkpoints to a server. The address comes from the configuration and
// is followed nowhere else.
type HTTP struct {
	address *url.URL
	method  string
	header  http.Header
	client  *http.Client
	// writeOnly: what is kept is not read back.
	writeOnly bool

	mu   sync.Mutex
	last string // name of the last checkpoint that the server has confirmed
}

var _ Witness = (*HTTP)(nil)

// HTTPConfig names a server.
type HTTPConfig struct {
	// URL takes checkpoints. With PUT, the name of each is appended to its path.
	URL string
	// Method is PUT or POST; default PUT.
	Method string
	// WriteOnly says that the server takes checkpoints and does not show them. With
	// POST, which names none, this is always so.
	WriteOnly bool
	// Headers go with each, for example Authorization.
	Headers map[string]string
	// Timeout of one transmission; 0 means 15 s.
	Timeout time.Duration
	// Transport for tests; default: one without a proxy from the environment.
	Transport http.RoundTripper
}

// NewHTTP checks the address.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("url: Die Angabe ist keine Adresse wie https://zeuge.example/protokoll/.")
	}
	if c.Method == "" {
		c.Method = http.MethodPut
	}
	if c.Method != http.MethodPut && c.Method != http.MethodPost {
		return nil, errors.New("method: Möglich sind PUT und POST.")
	}
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: c.Timeout, MaxIdleConns: 1, IdleConnTimeout: time.Minute}
	}
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	for name, value := range c.Headers {
		header.Set(name, value)
	}
	return &HTTP{address: u, method: c.Method, header: header, writeOnly: c.WriteOnly || c.Method == http.MethodPost, client: &http.Client{
		Timeout: c.Timeout, Transport: c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name is the host.
func (h *HTTP) Name() string { return "http:" + h.address.Host }

// Keep sends the checkpoint. With PUT, a server that has it already may say so by 409 or 412.
func (h *HTTP) Keep(ctx context.Context, c Checkpoint) error {
	to := h.address.String()
	if h.method == http.MethodPut {
		to = h.below(c.name())
	}
	q, err := http.NewRequestWithContext(ctx, h.method, to, bytes.NewReader(c.Text))
	if err != nil {
		return err
	}
	q.Header = h.header.Clone()
	if h.method == http.MethodPut {
		q.Header.Set("If-None-Match", "*") // never in place of another one
	}
	answer, err := h.client.Do(q)
	if err != nil {
		return withoutAddress(err)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 4096) // so that the connection can be used again
	if err := answer.Body.Close(); err != nil {
		return err
	}
	there := h.method == http.MethodPut && (answer.StatusCode == http.StatusPreconditionFailed || answer.StatusCode == http.StatusConflict)
	if answer.StatusCode/100 != 2 && !there {
		return fmt.Errorf("the server answers %d", answer.StatusCode)
	}
	h.confirm(c.name())
	return nil
}

// withoutAddress leaves out the address, whose query may be a secret.
func withoutAddress(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}
