// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identitytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Issuer is an OpenID provider over TLS: discovery, keys that can be changed, and
// tokens of every kind, wrong ones included.
type Issuer struct {
	URL string
	// CA is a PEM file with the authority of its server.
	CA string

	mu      sync.Mutex
	keys    map[string]*IssuerKey
	asked   int
	away    bool
	keysURL string
	huge    bool
	signIns signIns
}

// IssuerKey is a key of an issuer.
type IssuerKey struct {
	ID, Algorithm string
	Signer        crypto.Signer
}

// StartIssuer starts one without keys.
func StartIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{keys: map[string]*IssuerKey{}}
	server := httptest.NewTLSServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	i.keysURL = server.URL + "/keys"
	i.CA = filepath.Join(t.TempDir(), "issuer.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(i.CA, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	switch {
	case i.away:
		http.Error(w, "away", http.StatusBadGateway)
	case i.huge:
		_, _ = w.Write(make([]byte, 2<<20))
	case r.URL.Path == "/.well-known/openid-configuration":
		writeJSON(w, i.signIns.offer(i, map[string]any{
			"issuer": i.URL, "jwks_uri": i.keysURL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA"},
		}))
	case r.URL.Path == "/keys":
		writeJSON(w, map[string]any{"keys": i.public()})
	case r.URL.Path == "/moved":
		http.Redirect(w, r, i.URL+"/keys", http.StatusFound)
	case r.URL.Path == "/authorize":
		i.signIns.authorize(i, w, r)
	case r.URL.Path == "/token":
		i.signIns.token(i, w, r)
	case r.URL.Path == "/logout":
		i.signIns.logout(w, r)
	default:
		http.NotFound(w, r)
	}
}

// public are the keys as they are published, with some of kinds that nobody knows.
func (i *Issuer) public() []any {
	out := []any{
		map[string]string{"kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
		map[string]string{"kty": "XYZ", "kid": "future"},
	}
	for _, id := range slices.Sorted(maps.Keys(i.keys)) {
		k := i.keys[id]
		out = append(out, jose.JSONWebKey{Key: k.Signer.Public(), KeyID: k.ID, Use: "sig", Algorithm: k.Algorithm})
	}
	return out
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(raw) // the client sees what is missing
}

// Add publishes a new key for an algorithm.
func (i *Issuer) Add(t testing.TB, id, algorithm string) *IssuerKey {
	t.Helper()
	k := NewIssuerKey(t, id, algorithm)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys[id] = k
	return k
}

// NewIssuerKey makes a key that is published nowhere.
func NewIssuerKey(t testing.TB, id, algorithm string) *IssuerKey {
	t.Helper()
	k := &IssuerKey{ID: id, Algorithm: algorithm}
	var err error
	switch algorithm {
	case "ES256":
		k.Signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.Signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.Signer, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Retire takes a key back.
func (i *Issuer) Retire(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.keys, id)
}

// Away lets every request fail.
func (i *Issuer) Away(away bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away = away
}

// Huge answers every request with more than anybody wants.
func (i *Issuer) Huge() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.huge = true
}

// KeysAt makes the discovery document name another address.
func (i *Issuer) KeysAt(address string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keysURL = address
}

// Asked is the number of requests so far.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// Sign makes a token. The header starts with alg, kid and typ; members given
// replace them, nil removes them.
func (k *IssuerKey) Sign(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	h := map[string]any{"alg": k.Algorithm, "kid": k.ID, "typ": "at+jwt"}
	for name, value := range header {
		if h[name] = value; value == nil {
			delete(h, name)
		}
	}
	input := encodePart(t, h) + "." + encodePart(t, claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(k.signature(t, input))
}

// sign is Sign outside the goroutine of a test; what goes wrong makes no token.
func (k *IssuerKey) sign(header, claims map[string]any) string {
	var failed failing
	h := map[string]any{"alg": k.Algorithm, "kid": k.ID}
	maps.Copy(h, header)
	input := encodePart(&failed, h) + "." + encodePart(&failed, claims)
	text := input + "." + base64.RawURLEncoding.EncodeToString(k.signature(&failed, input))
	if failed.err != "" {
		return ""
	}
	return text
}

// failing notes what a test would be ended for.
type failing struct {
	testing.TB
	err string
}

func (f *failing) Helper()           {}
func (f *failing) Fatal(args ...any) { f.err = fmt.Sprint(args...) }

func encodePart(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (k *IssuerKey) signature(t testing.TB, input string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(input))
	var out []byte
	var err error
	switch signer := k.Signer.(type) {
	case *ecdsa.PrivateKey:
		r, s, signError := ecdsa.Sign(rand.Reader, signer, sum[:])
		out, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), signError
	case ed25519.PrivateKey:
		out = ed25519.Sign(signer, []byte(input))
	case *rsa.PrivateKey:
		if k.Algorithm == "PS256" {
			out, err = rsa.SignPSS(rand.Reader, signer, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			out, err = rsa.SignPKCS1v15(rand.Reader, signer, crypto.SHA256, sum[:])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Confused makes a token signed by HMAC under a text, as those do who take a
// public key for a shared secret.
func Confused(t testing.TB, kid, algorithm string, secret []byte, claims map[string]any) string {
	t.Helper()
	input := encodePart(t, map[string]any{"alg": algorithm, "kid": kid, "typ": "at+jwt"}) + "." + encodePart(t, claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Unsigned makes a token without a signature.
func Unsigned(t testing.TB, algorithm string, claims map[string]any) string {
	t.Helper()
	return encodePart(t, map[string]any{"alg": algorithm, "typ": "at+jwt"}) + "." + encodePart(t, claims) + "."
}
