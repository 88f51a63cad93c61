// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// ProviderConfig names an OpenID provider. Issuer is required.
type ProviderConfig struct {
	Issuer string
	// JWKSURL of the keys; empty: where the issuer's discovery document says, on
	// the issuer's own host only.
	JWKSURL string
	// Algorithms of signatures, default RS256, PS256, ES256 and EdDSA.
	Algorithms []string
	// Roots trusted for the provider's certificate; nil: the system's.
	Roots *x509.CertPool
	// Refresh is the age at which keys are read again, default 10 min; MaxStale the
	// age at which they are not trusted any more, default 24 h; Pause the least
	// time between two attempts, default 15 s.
	Refresh, MaxStale, Pause time.Duration
	Now                      func() time.Time
	Logger                   *slog.Logger
}

// Bounds of what a provider is asked and answers.
const (
	maxDocument    = 512 << 10
	maxPublicKeys  = 64
	maxCandidates  = 4
	providerTime   = 10 * time.Second
	minRSABits     = 2048
	maxRSABits     = 8192
	discoveryPlace = "/.well-known/openid-configuration"
)

// defaultAlgorithms need no secret that both sides know.
var defaultAlgorithms = [...]string{"RS256", "PS256", "ES256", "EdDSA"}

// knownAlgorithms may be configured. none and the HMAC ones never.
var knownAlgorithms = [...]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// Provider knows the keys of an OpenID provider. It asks the provider when keys
// are missing or old, one request at a time and never more often than each
// ProviderConfig.Pause, whatever is sent to it; while the provider is away, the
// keys known go on to work for ProviderConfig.MaxStale. It is safe for concurrent use.
type Provider struct {
	config ProviderConfig
	client *http.Client

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time     // when the keys were read
	tried   time.Time     // when they were last asked for
	running chan struct{} // closed when the attempt under way ends; nil: there is none
}

// A Provider is what go-oidc needs to verify ID tokens of a sign-in.
var _ oidc.KeySet = (*Provider)(nil)

// NewProvider asks nothing yet.
func NewProvider(c ProviderConfig) (*Provider, error) {
	if _, err := providerAddress(c.Issuer); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = defaultAlgorithms[:]
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&c.Refresh, 10 * time.Minute}, {&c.MaxStale, 24 * time.Hour}, {&c.Pause, 15 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	return &Provider{config: c, client: providerClient(c.Roots)}, nil
}

// providerClient reaches what it is told to reach and nothing else: no proxy of
// the environment, no redirect.
func providerClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: providerTime,
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost:        4,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// providerAddress is https, or http on the loopback address.
func providerAddress(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, errors.New("is no address such as https://host/path")
	}
	loopback := u.Hostname() == "localhost"
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		loopback = ip.IsLoopback()
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return nil, errors.New("is not https")
	}
	return u, nil
}

// Client reaches the provider within bounds.
func (p *Provider) Client() *http.Client { return p.client }

// Metadata is what a discovery document says of the provider's addresses.
type Metadata struct {
	Issuer        string `json:"issuer"`
	JWKSURL       string `json:"jwks_uri"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	EndSession    string `json:"end_session_endpoint"`
}

// Discover reads the discovery document, which must be the issuer's own.
func (p *Provider) Discover(ctx context.Context) (Metadata, error) {
	var m Metadata
	if err := p.read(ctx, strings.TrimSuffix(p.config.Issuer, "/")+discoveryPlace, &m); err != nil {
		return Metadata{}, fmt.Errorf("read discovery document: %w", err)
	}
	if m.Issuer != p.config.Issuer {
		return Metadata{}, errors.New("read discovery document: it names another issuer")
	}
	return m, nil
}

// read gets a JSON document from an address of the configuration.
func (p *Provider) read(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the address is wrong")
	}
	request.Header.Set("Accept", "application/json")
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the status is %d", answer.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(raw) > maxDocument {
		return errors.New("the answer is too large")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errors.New("the answer is not the expected JSON")
	}
	return nil
}

// keysAddress is configured, or discovered on the issuer's own host.
func (p *Provider) keysAddress(ctx context.Context) (string, error) {
	if p.config.JWKSURL != "" {
		return p.config.JWKSURL, nil
	}
	m, err := p.Discover(ctx)
	if err != nil {
		return "", err
	}
	issuer, err := providerAddress(p.config.Issuer)
	if err != nil {
		return "", err
	}
	keys, err := providerAddress(m.JWKSURL)
	if err != nil || keys.Scheme != issuer.Scheme || keys.Host != issuer.Host {
		return "", errors.New("the keys stand on another host than the issuer; configure jwks_url")
	}
	return m.JWKSURL, nil
}

// fetch reads the keys. Those of a kind we do not know are left out.
func (p *Provider) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	address, err := p.keysAddress(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := p.read(ctx, address, &set); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if len(set.Keys) > maxPublicKeys {
		return nil, errors.New("read keys: there are too many")
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) == nil && k.IsPublic() {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("read keys: there is none")
	}
	return keys, nil
}

// errNoProvider is an error of ours, not of the token.
var errNoProvider = errors.New("the keys of the issuer cannot be read")

// candidates are the keys that may have made a signature. They are asked for
// anew when none fits, if that is permitted now.
func (p *Provider) candidates(ctx context.Context, kid, algorithm string) ([]jose.JSONWebKey, error) {
	found, state := p.match(kid, algorithm)
	if len(found) > 0 {
		if state == keysOld {
			p.refresh(ctx)
		}
		return found, nil
	}
	done := p.refresh(ctx)
	if done == nil {
		return nil, absent(state)
	}
	select {
	case <-done:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for keys: %w", ctx.Err())
	}
	if found, state = p.match(kid, algorithm); len(found) == 0 {
		return nil, absent(state)
	}
	return found, nil
}

func absent(s keyState) error {
	if s == keysGone {
		return errNoProvider
	}
	return errors.New("no key of the issuer fits")
}

// keyState is how old the keys are.
type keyState int

const (
	keysFresh keyState = iota
	keysOld            // to be read again
	keysGone           // not to be trusted any more
)

func (p *Provider) match(kid, algorithm string) ([]jose.JSONWebKey, keyState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := keysFresh
	switch age := p.config.Now().Sub(p.fetched); {
	case len(p.keys) == 0 || age > p.config.MaxStale:
		return nil, keysGone
	case age > p.config.Refresh:
		state = keysOld
	}
	var found []jose.JSONWebKey
	for _, k := range p.keys {
		if (kid == "" || k.KeyID == kid) && fits(k, algorithm) {
			found = append(found, k)
		}
	}
	if kid == "" && len(found) > 1 || len(found) > maxCandidates {
		return nil, state // the token has to say which
	}
	return found, state
}

// fits reports whether a key is for signatures of this algorithm. The kind of
// the key decides, never what the token says of it.
func fits(k jose.JSONWebKey, algorithm string) bool {
	if k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != algorithm {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return (algorithm[:2] == "RS" || algorithm[:2] == "PS") && bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey:
		curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
		return curves[algorithm] == key.Curve
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

// refresh asks for the keys and returns what is closed when they are there, or
// nil when it is too early to ask again.
func (p *Provider) refresh(ctx context.Context) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return p.running
	}
	now := p.config.Now()
	if !p.tried.IsZero() && now.Sub(p.tried) < p.config.Pause {
		return nil
	}
	done := make(chan struct{})
	p.running, p.tried = done, now
	go p.renew(context.WithoutCancel(ctx), now, done)
	return done
}

// renew outlives the request that caused it: others wait for it too.
func (p *Provider) renew(ctx context.Context, now time.Time, done chan<- struct{}) {
	ctx, cancel := context.WithTimeout(ctx, providerTime)
	defer cancel()
	keys, err := p.fetch(ctx)
	if err != nil {
		p.config.Logger.LogAttrs(ctx, slog.LevelWarn, "keys of the issuer not read", slog.String("issuer", p.config.Issuer), slog.Any("error", err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.keys, p.fetched = keys, now
	}
	p.running = nil
	close(done)
}
