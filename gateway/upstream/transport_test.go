// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// startTLS runs a mock server with TLS and HTTP/2 behind a handler that may look
// at the requests.
func startTLS(t *testing.T, change func(*httptest.Server, *upstreamtest.Server)) (*httptest.Server, *upstreamtest.Server, *tls.Config) {
	t.Helper()
	mock := &upstreamtest.Server{}
	server := httptest.NewUnstartedServer(mock)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	if change != nil {
		change(server, mock)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, mock, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server, mock, trust := startTLS(t, func(s *httptest.Server, _ *upstreamtest.Server) {
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
	})
	c := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1", Key: canary, TLS: trust})
	if _, err := c.Complete(t.Context(), chat(plainBody)); err != nil {
		t.Fatalf("Complete: %v", err)
	}
	if got := mock.Last(); got.Proto != "HTTP/2.0" || string(got.Body) != plainBody {
		t.Errorf("%s carried %q", got.Proto, got.Body)
	}
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			events, err := drain(t, c, streamBody)
			if err != nil || content(t, events) != echo {
				t.Errorf("stream: %v", err)
			}
		})
	}
	all.Wait()
	if n := connections.Load(); n > 2 {
		t.Errorf("41 requests used %d connections, HTTP/2 needs one", n)
	}
	for defect, want := range map[upstreamtest.Defect]gateway.Code{
		upstreamtest.Drop: gateway.CodeTruncated, upstreamtest.NoDone: gateway.CodeTruncated, upstreamtest.ErrorEvent: gateway.CodeUnavailable,
		upstreamtest.Silent: gateway.CodeTimeout, upstreamtest.EarlyHints: "", upstreamtest.Trailer: "",
	} {
		mock.Next(upstreamtest.Behaviour{Defect: defect})
		if _, err := drain(t, c, streamBody); gateway.CodeOf(err) != want {
			t.Errorf("%s: error = %v, want code %q", defect, err, want)
		}
	}
}

// A caller who leaves ends his stream and not the connection of the others.
func TestHTTP2LeavingEndsOneStream(t *testing.T) {
	t.Parallel()
	server, mock, trust := startTLS(t, nil)
	c := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1", TLS: trust, Timeouts: upstream.Timeouts{Idle: 10 * time.Second}})
	hold := make(chan struct{})
	mock.Next(upstreamtest.Behaviour{Hold: hold}, upstreamtest.Behaviour{Hold: hold})
	ctx, cancel := context.WithCancel(t.Context())
	leaving, err := c.Stream(ctx, chat(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	staying, err := c.Stream(t.Context(), chat(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = leaving.Close()
	if !mock.WaitAbandoned(5 * time.Second) {
		t.Error("the server was not told")
	}
	close(hold)
	for err == nil {
		_, err = staying.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the other stream ended with %v", err)
	}
	_ = staying.Close()
}

func TestH2C(t *testing.T) {
	t.Parallel()
	mock := &upstreamtest.Server{}
	server := httptest.NewUnstartedServer(mock)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	c := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1", H2C: true})
	events, err := drain(t, c, streamBody)
	if err != nil || content(t, events) != echo || mock.Last().Proto != "HTTP/2.0" {
		t.Errorf("%s: %v", mock.Last().Proto, err)
	}
}

// A new connection resumes the session of an earlier one.
func TestSessionsAreResumed(t *testing.T) {
	t.Parallel()
	var resumed, handshakes atomic.Int64
	server, _, trust := startTLS(t, func(s *httptest.Server, mock *upstreamtest.Server) {
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if handshakes.Add(1); r.TLS.DidResume {
				resumed.Add(1)
			}
			mock.ServeHTTP(w, r)
		})
	})
	c := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1", TLS: trust})
	// The server hands out its tickets beside the first answer: on a busy machine
	// they may come after it.
	for tries := 0; tries < 50 && resumed.Load() == 0; tries++ {
		if _, err := c.Complete(t.Context(), chat(plainBody)); err != nil {
			t.Fatal(err)
		}
		c.Close() // drops the idle connection
	}
	if resumed.Load() == 0 {
		t.Errorf("none of %d connections resumed a session", handshakes.Load())
	}
}

// certificate makes a certificate for a client, signed by itself.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "schleuse"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	mine := certificate(t)
	leaf, err := x509.ParseCertificate(mine.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	server, _, trust := startTLS(t, func(s *httptest.Server, _ *upstreamtest.Server) {
		known := x509.NewCertPool()
		known.AddCert(leaf)
		s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known, MinVersion: tls.VersionTLS12}
	})
	for name, tc := range map[string]struct {
		certificates []tls.Certificate
		code         gateway.Code
	}{
		"ours": {[]tls.Certificate{mine}, ""}, "none": {nil, gateway.CodeUnavailable}, "another": {[]tls.Certificate{certificate(t)}, gateway.CodeUnavailable},
	} {
		config := trust.Clone()
		config.Certificates = tc.certificates
		c := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1", TLS: config})
		if _, err := c.Complete(t.Context(), chat(plainBody)); gateway.CodeOf(err) != tc.code {
			t.Errorf("%s: error = %v, want code %q", name, err, tc.code)
		}
	}
	unknown := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1"})
	if _, err := unknown.Complete(t.Context(), chat(plainBody)); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("server of an unknown authority: %v, want unavailable", err)
	}
}

// tunnel is a proxy that knows CONNECT; it counts what it was asked.
type tunnel struct {
	asked  atomic.Int64
	seen   atomic.Value // Proxy-Authorization
	target string       // where everything leads
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	p.seen.Store(r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization") + r.Header.Get("Authorization"))
	var dialer net.Dialer
	far, err := dialer.DialContext(r.Context(), "tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(far, buffered); _ = far.Close() }()
	_, _ = io.Copy(near, far)
	_ = near.Close()
}

func TestProxyOnlyWhenConfigured(t *testing.T) {
	t.Parallel()
	server, mock, trust := startTLS(t, nil)
	p := &tunnel{target: server.Listener.Addr().String()}
	proxy := httptest.NewServer(p)
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "http://", "http://nutzer:kennwort@", 1)
	c := client(t, upstream.Endpoint{BaseURL: "https://example.com/v1", Key: canary, TLS: trust, Proxy: upstream.Secret(address)})
	if _, err := c.Complete(t.Context(), chat(plainBody)); err != nil {
		t.Fatalf("through the proxy: %v", err)
	}
	if got := p.seen.Load(); got != "CONNECT example.com:443 Basic bnV0emVyOmtlbm53b3J0" {
		t.Errorf("the proxy saw %q", got)
	}
	if got := mock.Last(); got.Header.Get("Authorization") != "Bearer "+canary || got.Header.Get("Proxy-Authorization") != "" {
		t.Errorf("the server saw %v", got.Header)
	}
	direct := client(t, upstream.Endpoint{BaseURL: server.URL + "/v1", TLS: trust})
	if _, err := direct.Complete(t.Context(), chat(plainBody)); err != nil || p.asked.Load() != 1 {
		t.Errorf("without a proxy: %v, the proxy was asked %d times", err, p.asked.Load())
	}
}

func TestConnectionSettingsAreChecked(t *testing.T) {
	t.Parallel()
	const https = "https://modelle.example/v1"
	for name, tc := range map[string]struct {
		e    upstream.Endpoint
		says string
	}{
		"unknown kind":      {upstream.Endpoint{BaseURL: https, Kind: "azure"}, `kind: Die Art "azure" ist nicht bekannt`},
		"h2c with TLS":      {upstream.Endpoint{BaseURL: https, H2C: true}, "h2c:"},
		"proxy reads along": {upstream.Endpoint{BaseURL: "http://10.0.0.1/v1", Proxy: "http://10.0.0.2:3128"}, "proxy: Ein Proxy ist nur mit"},
		"proxy of files":    {upstream.Endpoint{BaseURL: https, Proxy: "file:///etc/proxy"}, "proxy: Die Adresse beginnt nicht"},
		"proxy with a path": {upstream.Endpoint{BaseURL: https, Proxy: "http://10.0.0.2:3128/pfad"}, "proxy: Erwartet werden nur Rechner und Port"},
		"proxy no URL":      {upstream.Endpoint{BaseURL: https, Proxy: "http://n:kennwort@ho st"}, "proxy: Die Angabe ist keine Adresse"},
		"proxy":             {upstream.Endpoint{BaseURL: https, Proxy: "http://n:kennwort@10.0.0.2:3128/"}, ""},
	} {
		err := upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": tc.e}}.Validate()
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error = %v, want %q", name, err, tc.says)
		}
		if err != nil && strings.Contains(err.Error(), "kennwort") {
			t.Errorf("%s: the password stands in %v", name, err)
		}
	}
}
