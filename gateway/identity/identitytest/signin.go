// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identitytest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// SignInClient is a client of an Issuer at which persons sign in.
type SignInClient struct {
	ID string
	// Secret authenticates the client at the token endpoint; empty: it is public.
	Secret string
	// RedirectURI is compared letter by letter.
	RedirectURI string
	// LogoutURI, if set, makes the issuer offer RP-initiated logout, back to here.
	LogoutURI string
}

// signIns is the sign-in part of an Issuer: an authorization endpoint, a token
// endpoint that checks client, code, redirect URI and PKCE, and a logout endpoint.
type signIns struct {
	client  SignInClient
	key     *IssuerKey
	person  map[string]any
	codes   map[string]grantedCode
	used    map[string]bool
	now     func() time.Time
	bend    func(answer url.Values)
	twist   func(claims map[string]any)
	refused []string
	left    int
}

type grantedCode struct {
	challenge, nonce, redirect, acr string
	until                           time.Time
}

// Register lets a client send persons here; their ID tokens are signed with the key.
func (i *Issuer) Register(t testing.TB, c SignInClient, k *IssuerKey, now func() time.Time) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signIns = signIns{client: c, key: k, codes: map[string]grantedCode{}, used: map[string]bool{}, now: now}
}

// Visitor is who is at the browser: claims of the ID token beside those that
// every one has. nil: somebody who goes away again.
func (i *Issuer) Visitor(claims map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signIns.person = claims
}

// Bend changes the answers of the authorization endpoint, as somebody in between would.
func (i *Issuer) Bend(change func(answer url.Values)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signIns.bend = change
}

// Twist changes ID tokens before they are signed.
func (i *Issuer) Twist(change func(claims map[string]any)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signIns.twist = change
}

// Refused are the reasons for which the token endpoint refused, in order.
func (i *Issuer) Refused() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.signIns.refused)
}

// Left is the number of persons who signed out here.
func (i *Issuer) Left() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signIns.left
}

// offer adds what a discovery document says of sign-ins.
func (s *signIns) offer(i *Issuer, document map[string]any) map[string]any {
	if s.client.ID == "" {
		return document
	}
	document["code_challenge_methods_supported"] = []string{"S256"}
	document["authorization_response_iss_parameter_supported"] = true
	document["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic"}
	if s.client.LogoutURI != "" {
		document["end_session_endpoint"] = i.URL + "/logout"
	}
	return document
}

// authorize is the authorization endpoint. Whom it cannot trust to be sent back,
// it shows an error itself.
func (s *signIns) authorize(i *Issuer, w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case q.Get("client_id") != s.client.ID || s.client.ID == "":
		http.Error(w, "unknown client", http.StatusBadRequest)
		return
	case q.Get("redirect_uri") != s.client.RedirectURI:
		http.Error(w, "redirect_uri is not registered", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {i.URL}}
	challenge, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge"))
	switch {
	case q.Get("response_type") != "code" || !slices.Contains(strings.Fields(q.Get("scope")), "openid"),
		q.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != sha256.Size || q.Get("state") == "" || q.Get("nonce") == "":
		answer.Set("error", "invalid_request")
	case s.person == nil:
		answer.Set("error", "access_denied")
	default:
		code := rand.Text()
		acr, _, _ := strings.Cut(q.Get("acr_values"), " ")
		s.codes[code] = grantedCode{challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), redirect: q.Get("redirect_uri"), acr: acr, until: s.now().Add(time.Minute)}
		answer.Set("code", code)
	}
	if s.bend != nil {
		s.bend(answer)
	}
	http.Redirect(w, r, s.client.RedirectURI+"?"+answer.Encode(), http.StatusFound)
}

// token is the token endpoint.
func (s *signIns) token(t *Issuer, w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, why string) {
		s.refused = append(s.refused, why)
		w.WriteHeader(status)
		writeJSON(w, map[string]any{"error": code})
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil || r.PostForm.Get("grant_type") != "authorization_code" {
		refuse(http.StatusBadRequest, "unsupported_grant_type", "grant type")
		return
	}
	if !s.authenticated(r) {
		refuse(http.StatusUnauthorized, "invalid_client", "client")
		return
	}
	code := r.PostForm.Get("code")
	granted, ok := s.codes[code]
	delete(s.codes, code)
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case s.used[code]:
		refuse(http.StatusBadRequest, "invalid_grant", "code used twice")
	case !ok || s.now().After(granted.until):
		refuse(http.StatusBadRequest, "invalid_grant", "code")
	case r.PostForm.Get("redirect_uri") != granted.redirect:
		refuse(http.StatusBadRequest, "invalid_grant", "redirect uri")
	case base64.RawURLEncoding.EncodeToString(sum[:]) != granted.challenge:
		refuse(http.StatusBadRequest, "invalid_grant", "verifier")
	default:
		s.used[code] = true
		text := s.idToken(t, granted)
		writeJSON(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": text})
	}
}

func (s *signIns) authenticated(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if !basic {
		return s.client.Secret == "" && r.PostForm.Get("client_id") == s.client.ID
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	return err1 == nil && err2 == nil && id == s.client.ID && subtle.ConstantTimeCompare([]byte(secret), []byte(s.client.Secret)) == 1
}

func (s *signIns) idToken(i *Issuer, g grantedCode) string {
	claims := map[string]any{
		"iss": i.URL, "aud": s.client.ID, "nonce": g.nonce, "iat": s.now().Unix(), "exp": s.now().Add(5 * time.Minute).Unix(),
	}
	if g.acr != "" {
		claims["acr"] = g.acr
	}
	maps.Copy(claims, s.person)
	if s.twist != nil {
		s.twist(claims)
	}
	return s.key.sign(map[string]any{"typ": "JWT"}, claims)
}

// logout is the end-session endpoint.
func (s *signIns) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if s.client.LogoutURI == "" || q.Get("client_id") != s.client.ID || q.Get("post_logout_redirect_uri") != s.client.LogoutURI || q.Get("id_token_hint") == "" {
		http.Error(w, "wrong", http.StatusBadRequest)
		return
	}
	s.left++
	http.Redirect(w, r, s.client.LogoutURI, http.StatusFound)
}
