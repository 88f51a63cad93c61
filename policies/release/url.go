// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// URL is a packed bundle at an address of the configuration, with its signatures
// at the same address and ".sig". https, or http at the own machine; no redirect,
// no proxy, no cookie. What has not changed is not loaded again (ETag).
func URL(address string, roots *tls.Config) (Source, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.User != nil || base.Fragment != "" {
		return nil, fmt.Errorf("%q is not an address such as https://host/policies.zip", address)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !atHome(base.Hostname())) {
		return nil, fmt.Errorf("%q: https, or http at the own machine", address)
	}
	return &remote{base: base, http: client(base.Scheme == "http", roots), last: map[string]fetched{}}, nil
}

type remote struct {
	base *url.URL
	http *http.Client

	mu   sync.Mutex
	last map[string]fetched
}

type fetched struct {
	etag    string
	content []byte
}

func (*remote) Name() string { return SourceURL }

func (r *remote) Read(ctx context.Context) (Delivery, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw, err := r.fetch(ctx, "", MaxPacked)
	if err != nil {
		return Delivery{}, err
	}
	signed, err := r.fetch(ctx, signatureSuffix, maxNote)
	if err != nil && !errors.Is(err, errMissing) {
		return Delivery{}, err
	}
	files, err := Unpack(raw)
	return Delivery{Files: files, Note: signed}, err
}

var errMissing = errors.New("nothing at this address")

func (r *remote) fetch(ctx context.Context, suffix string, limit int64) ([]byte, error) {
	at := *r.base
	at.Path += suffix
	at.RawPath = ""
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("fetch policy bundle: %w", err)
	}
	before, known := r.last[suffix]
	if known && before.etag != "" {
		request.Header.Set("If-None-Match", before.etag)
	}
	response, err := r.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch policy bundle: %w", err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && known:
		return before.content, nil
	case response.StatusCode == http.StatusNotFound:
		return nil, errMissing
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("fetch policy bundle: status %d", response.StatusCode)
	}
	content, err := bounded(response.Body, limit)
	if err != nil {
		return nil, err
	}
	r.last[suffix] = fetched{etag: response.Header.Get("ETag"), content: content}
	return content, nil
}

func client(plain bool, config *tls.Config) *http.Client {
	if config = config.Clone(); config == nil {
		config = &tls.Config{}
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return mayDial(address, plain)
	}}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: nil, TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
			DialContext: dialer.DialContext, MaxResponseHeaderBytes: 64 << 10, MaxIdleConns: 2, IdleConnTimeout: 90 * time.Second,
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// metadata are addresses of services of clouds that hand out secrets; link-local
// ones are checked by their property.
var metadata = []netip.Addr{netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd00:ec2::254")}

// mayDial decides by the resolved address, so that no name leads elsewhere.
func mayDial(address string, plain bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %s is not allowed", address)
	}
	a := at.Addr().Unmap().WithZone("")
	switch {
	case a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), a == metadata[0], a == metadata[1], plain && !a.IsLoopback():
		return fmt.Errorf("address %s is not allowed", a)
	}
	return nil
}

func atHome(host string) bool {
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && a.Unmap().IsLoopback()
}
