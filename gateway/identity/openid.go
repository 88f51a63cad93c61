// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/ki-schleuse/schleuse/gateway"
)

// OpenIDConfig holds what a sign-in needs. All but Now and Logger are required.
type OpenIDConfig struct {
	SignIn SignIn
	// Public is the address of this gateway as browsers know it, without a slash at
	// the end. Callback is the path to which the provider sends people back.
	Public, Callback string
	// Key seals what a browser carries during the sign-in, the same on all replicas.
	Key []byte
	// Active says whether a tenant is there and in operation.
	Active func(gateway.TenantID) bool
	// Secure demands https for the cookie.
	Secure bool
	Now    func() time.Time
	Logger *slog.Logger
}

// OpenID signs persons in at an OpenID provider: authorization code (RFC 6749)
// with PKCE S256, bound to the browser by a sealed cookie with state, nonce and
// verifier. It keeps nothing, so that any replica may finish what another began.
type OpenID struct {
	config   OpenIDConfig
	provider *Provider
	secret   string
	aead     cipher.AEAD

	mu       sync.Mutex
	metadata signInMetadata
	read     time.Time     // when the metadata was read
	tried    time.Time     // when it was last asked for
	failure  error         // of the last attempt, in words for people
	running  chan struct{} // closed when the attempt under way ends; nil: there is none
}

// signInMetadata is what a sign-in reads in the discovery document.
type signInMetadata struct {
	Metadata
	AuthMethods  []string `json:"token_endpoint_auth_methods_supported"`
	PKCE         []string `json:"code_challenge_methods_supported"`
	StatesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
}

const (
	attemptLife  = 10 * time.Minute
	metadataLife = 10 * time.Minute
	// metadataPause is the least time between two attempts while old metadata works.
	metadataPause = 15 * time.Second
	signInSkew    = time.Minute
	maxIDToken    = 24 * time.Hour
	maxAttempt    = 3800
	maxBack       = 1500
)

// NewOpenID checks the configuration and asks nobody yet.
func NewOpenID(c OpenIDConfig) (*OpenID, error) {
	if err := c.SignIn.Validate(); err != nil {
		return nil, err
	}
	if !c.SignIn.Enabled() || c.Active == nil || len(c.Key) < 32 || c.Callback == "" {
		return nil, errors.New("sign-in: SignIn, Active, Callback and a Key of at least 32 bytes are required")
	}
	public, err := providerAddress(c.Public)
	if err != nil || strings.HasSuffix(c.Public, "/") {
		return nil, fmt.Errorf("sign-in needs public_url, the address of the gateway for browsers (https, without a slash at the end): %q", c.Public)
	}
	if public.Scheme == "https" != c.Secure {
		return nil, errors.New("sign-in: public_url is https exactly if TLS ends here or at the proxy before")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	roots, err := ClientCAs(c.SignIn.CA...)
	if err != nil {
		return nil, err
	}
	o := &OpenID{config: c}
	if o.secret, err = c.SignIn.secret(); err != nil {
		return nil, err
	}
	o.provider, err = NewProvider(ProviderConfig{
		Issuer: c.SignIn.Issuer, JWKSURL: c.SignIn.JWKSURL, Algorithms: c.SignIn.Algorithms, Roots: roots, Now: c.Now, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	o.aead, err = sealer(digest(c.Key, "sign-in attempt", ""))
	return o, err
}

// Label is what stands on the button.
func (o *OpenID) Label() string { return o.config.SignIn.Label }

// discover is what is known of the provider's addresses. What is old is read again
// beside the sign-ins, which go on with it; only who comes first waits, and
// nobody waits longer than the own request.
func (o *OpenID) discover(ctx context.Context) (signInMetadata, error) {
	m, done := o.known(ctx)
	if done == nil {
		return m, nil
	}
	select {
	case <-done:
	case <-ctx.Done():
		return m, noSignIn(ctx.Err())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.metadata.Token == "" {
		return m, o.failure
	}
	return o.metadata, nil
}

// known is the metadata, or what to wait for while there is none.
func (o *OpenID) known(ctx context.Context) (signInMetadata, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, absent := o.config.Now(), o.metadata.Token == ""
	if o.running == nil && (absent || now.Sub(o.read) >= metadataLife && now.Sub(o.tried) >= metadataPause) {
		o.running, o.tried = make(chan struct{}), now
		go o.renew(context.WithoutCancel(ctx), now, o.running)
	}
	if absent {
		return signInMetadata{}, o.running
	}
	return o.metadata, nil
}

// renew outlives the request that caused it: others wait for it too.
func (o *OpenID) renew(ctx context.Context, now time.Time, done chan<- struct{}) {
	ctx, cancel := context.WithTimeout(ctx, providerTime)
	defer cancel()
	m, err := o.readMetadata(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.metadata, o.read = m, now
	} else {
		o.failure = noSignIn(err)
	}
	o.running = nil
	close(done)
}

func noSignIn(err error) error {
	return &gateway.Error{
		Op: "discover provider of the sign-in", Code: gateway.CodeUnavailable, RetryAfter: 15 * time.Second, Err: err,
		Message: "Die Anmeldestelle antwortet nicht. Bitte versuchen Sie es gleich noch einmal.",
	}
}

// readMetadata reads and checks the provider's addresses.
func (o *OpenID) readMetadata(ctx context.Context) (signInMetadata, error) {
	var m signInMetadata
	if err := o.provider.read(ctx, strings.TrimSuffix(o.config.SignIn.Issuer, "/")+discoveryPlace, &m); err != nil {
		return m, err
	}
	if m.Issuer != o.config.SignIn.Issuer {
		return m, errors.New("the discovery document names another issuer")
	}
	for _, address := range []string{m.Authorization, m.Token} {
		if _, err := endpoint(address); err != nil {
			return m, fmt.Errorf("an address of the discovery document %w", err)
		}
	}
	if _, wrong := endpoint(m.EndSession); wrong != nil {
		m.EndSession = ""
	}
	if len(m.PKCE) > 0 && !slices.Contains(m.PKCE, "S256") {
		return m, errors.New("the provider knows no PKCE with S256")
	}
	return m, nil
}

// endpoint is https, or http on the loopback address; unlike an issuer it may
// have a query.
func endpoint(address string) (*url.URL, error) {
	bare, _, _ := strings.Cut(address, "?")
	if _, err := providerAddress(bare); err != nil {
		return nil, err
	}
	return url.Parse(address)
}

// attempt is a sign-in under way, in the browser that began it.
type attempt struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Back     string    `json:"b"`
	Began    time.Time `json:"t"`
}

// Begin binds a new attempt to the browser and returns the provider's address to
// which it goes. back is the path of our own to come back to.
func (o *OpenID) Begin(w http.ResponseWriter, r *http.Request, back string) (address string, err error) {
	m, err := o.discover(r.Context())
	if err != nil {
		return "", err
	}
	if len(back) > maxBack {
		back = "/"
	}
	a := attempt{
		State: base64.RawURLEncoding.EncodeToString(random(24)), Nonce: base64.RawURLEncoding.EncodeToString(random(24)),
		Verifier: oauth2.GenerateVerifier(), Back: back, Began: o.config.Now(),
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("encode sign-in: %w", err)
	}
	c := o.blank()                                                                  //nolint:gosec // Secure except for a demo on the loopback address
	c.Value = base64.RawURLEncoding.EncodeToString(o.aead.Seal(nil, nil, raw, nil)) //nolint:gosec // makes its own nonce
	c.MaxAge = int(attemptLife.Seconds())
	http.SetCookie(w, c)
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier), oauth2.SetAuthURLParam("nonce", a.Nonce)}
	if len(o.config.SignIn.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(o.config.SignIn.ACR, " ")))
	}
	return o.client(m).AuthCodeURL(a.State, options...), nil
}

func (o *OpenID) client(m signInMetadata) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if o.secret == "" || len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	scopes := o.config.SignIn.Scopes
	if len(scopes) == 0 {
		scopes = []string{"profile"}
	}
	return &oauth2.Config{
		ClientID: o.config.SignIn.ClientID, ClientSecret: o.secret, RedirectURL: o.config.Public + o.config.Callback,
		Scopes:   append([]string{"openid"}, scopes...),
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: style},
	}
}

// SignedIn is the result of a sign-in.
type SignedIn struct {
	Person Person
	// Stated is what the provider said and rights are made of.
	Stated Stated
	// IDToken tells the provider later who has left.
	IDToken string
	// Back is the path to come back to.
	Back string
}

// Finish takes the provider's answer. Whatever comes of it, the attempt is over.
func (o *OpenID) Finish(w http.ResponseWriter, r *http.Request) (SignedIn, error) {
	over := o.blank() //nolint:gosec // Secure except for a demo on the loopback address
	over.MaxAge = -1
	http.SetCookie(w, over)
	a, err := o.attempt(r)
	if err != nil {
		return SignedIn{}, broken(err)
	}
	m, err := o.discover(r.Context())
	if err != nil {
		return SignedIn{}, err
	}
	code, err := o.answer(r.URL.Query(), a, m)
	if err != nil {
		return SignedIn{}, err
	}
	text, err := o.exchange(r.Context(), m, code, a.Verifier)
	if err != nil {
		return SignedIn{}, err
	}
	c, err := o.verify(r.Context(), text, a.Nonce)
	if errors.Is(err, errNoProvider) {
		return SignedIn{}, &gateway.Error{Op: "sign in", Code: gateway.CodeUnavailable, RetryAfter: 15 * time.Second, Err: err, Message: "Die Anmeldestelle antwortet nicht. Bitte versuchen Sie es gleich noch einmal."}
	}
	if err != nil {
		return SignedIn{}, broken(err)
	}
	p, err := o.config.SignIn.person(c, o.config.Active)
	return SignedIn{Person: p, Stated: o.config.SignIn.stated(c), IDToken: text, Back: a.Back}, err
}

// broken says to people that it did not work, and to the log why.
func broken(err error) error {
	return &gateway.Error{Op: "sign in", Code: gateway.CodeUnauthenticated, Err: err, Message: "Die Anmeldung hat nicht geklappt oder hat zu lange gedauert. Bitte melden Sie sich noch einmal an."}
}

func (o *OpenID) attempt(r *http.Request) (attempt, error) {
	var a attempt
	c, err := r.Cookie(o.cookie())
	if err != nil || len(c.Value) > maxAttempt {
		return a, errors.New("this browser has begun no sign-in")
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
	if err != nil {
		return a, errors.New("the cookie of the sign-in is not readable")
	}
	raw, err := o.aead.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(raw, &a) != nil {
		return a, errors.New("the cookie of the sign-in is not ours")
	}
	if o.config.Now().Sub(a.Began) > attemptLife {
		return a, errors.New("the sign-in took too long")
	}
	return a, nil
}

// answer reads what the provider sent back: for this attempt (state), from this
// provider (iss, RFC 9207), and a code.
func (o *OpenID) answer(q url.Values, a attempt, m signInMetadata) (code string, err error) {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(q[name]) > 1 {
			return "", broken(errors.New("a parameter of the answer stands twice"))
		}
	}
	if !hmac.Equal([]byte(q.Get("state")), []byte(a.State)) {
		return "", broken(errors.New("the state of the answer is another one"))
	}
	if issuer, stated := q["iss"]; stated && issuer[0] != o.config.SignIn.Issuer || !stated && m.StatesIssuer {
		return "", broken(errors.New("the answer is from another issuer"))
	}
	switch problem := q.Get("error"); {
	case problem == "access_denied":
		return "", &gateway.Error{Op: "sign in", Code: gateway.CodeUnauthenticated, Message: "Die Anmeldung wurde abgebrochen."}
	case problem != "":
		return "", broken(errors.New("the provider answered with an error"))
	case q.Get("code") == "" || len(q.Get("code")) > 4096:
		return "", broken(errors.New("the answer has no code"))
	}
	return q.Get("code"), nil
}

// exchange swaps the code for the ID token. What the provider says of errors is
// not repeated, except for its code.
func (o *OpenID) exchange(ctx context.Context, m signInMetadata, code, verifier string) (string, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, o.provider.client)
	token, err := o.client(m).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil && refused.Response.StatusCode < http.StatusInternalServerError {
		return "", broken(fmt.Errorf("the provider gave no token, status %d", refused.Response.StatusCode))
	}
	if err != nil {
		return "", &gateway.Error{Op: "sign in", Code: gateway.CodeUnavailable, RetryAfter: 15 * time.Second, Err: errors.New("the token endpoint did not answer"), Message: "Die Anmeldestelle antwortet nicht. Bitte versuchen Sie es gleich noch einmal."}
	}
	text, _ := token.Extra("id_token").(string)
	if text == "" {
		return "", broken(errors.New("the provider gave no ID token"))
	}
	return text, nil
}

// verify checks an ID token (OpenID Connect Core, 3.1.3.7).
func (o *OpenID) verify(ctx context.Context, text, nonce string) (claims, error) {
	h, err := readHeader(text)
	if err != nil {
		return nil, err
	}
	if h.kind != "" && h.kind != "jwt" {
		return nil, errors.New("the token is of another type")
	}
	payload, err := o.provider.verify(ctx, text, h)
	if err != nil {
		return nil, err
	}
	c, err := decodeClaims(payload)
	if err != nil {
		return nil, errors.New("the token is not readable")
	}
	config, now := o.config.SignIn, o.config.Now()
	var audiences []string
	many := json.Unmarshal(c["aud"], &audiences) == nil && len(audiences) > 1
	party := c.text("azp")
	_, named := c["azp"]
	issued, _ := c.date("iat")
	switch {
	case c.text("iss") != config.Issuer:
		return nil, errors.New("the token is from another issuer")
	case !c.audience(config.ClientID):
		return nil, errors.New("the token is meant for somebody else")
	case (named || many) && party != config.ClientID:
		return nil, errors.New("the token was issued to another client")
	case c.text("sub") == "":
		return nil, errors.New("the token names nobody")
	case nonce == "" || !hmac.Equal([]byte(c.text("nonce")), []byte(nonce)):
		return nil, errors.New("the token belongs to another sign-in")
	case len(config.ACR) > 0 && !slices.Contains(config.ACR, c.text("acr")):
		return nil, errors.New("the kind of sign-in does not suffice")
	case now.Sub(issued) > attemptLife:
		return nil, errors.New("the token is old")
	}
	return c, c.check(window{now: now, skew: signInSkew, maxLife: maxIDToken})
}

// EndSession is where a person leaves the provider as well, if it offers that
// (OpenID Connect RP-Initiated Logout).
func (o *OpenID) EndSession(ctx context.Context, hint string) (address string, ok bool) {
	m, err := o.discover(ctx)
	if err != nil || m.EndSession == "" {
		return "", false
	}
	target, err := endpoint(m.EndSession)
	if err != nil {
		return "", false
	}
	q := target.Query()
	q.Set("client_id", o.config.SignIn.ClientID)
	q.Set("post_logout_redirect_uri", o.config.Public+"/")
	if hint != "" {
		q.Set("id_token_hint", hint)
	}
	target.RawQuery = q.Encode()
	return target.String(), true
}

func (o *OpenID) cookie() string {
	if o.config.Secure {
		return "__Host-schleuse-anmeldung"
	}
	return "schleuse-anmeldung"
}

// blank: SameSite=Lax goes along when the provider sends the browser back.
func (o *OpenID) blank() *http.Cookie {
	//nolint:gosec // Secure except for a demo on the loopback address
	return &http.Cookie{Name: o.cookie(), Path: "/", HttpOnly: true, Secure: o.config.Secure, SameSite: http.SameSiteLaxMode}
}
