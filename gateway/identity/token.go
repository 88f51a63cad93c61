// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of a token, looked at before anything of it is read.
const (
	maxTokenBytes  = 16 << 10
	maxHeaderBytes = 2 << 10
	maxAudiences   = 50
	maxValues      = 500
	maxActors      = 5
)

// tokenHeader is what a token says of itself. Nothing in it chooses more than one
// of the issuer's own keys.
type tokenHeader struct{ algorithm, kid, kind string }

// forbiddenHeaders bring keys along, point to keys elsewhere or change what is
// signed. An honest access token has none of them.
var forbiddenHeaders = [...]string{"jwk", "jku", "x5u", "crit", "b64", "zip", "enc"}

// looksSigned reports whether a credential has the form of a signed token, which
// no API key has.
func looksSigned(credential string) bool {
	return strings.HasPrefix(credential, "eyJ") && strings.Count(credential, ".") == 2
}

// readHeader reads the part before the first dot.
func readHeader(text string) (tokenHeader, error) {
	if len(text) > maxTokenBytes {
		return tokenHeader{}, errors.New("the token is too large")
	}
	first, rest, ok := strings.Cut(text, ".")
	if !ok || strings.Count(rest, ".") != 1 || len(first) > maxHeaderBytes {
		return tokenHeader{}, errors.New("the token has not three parts")
	}
	fields, err := decodePart(first)
	if err != nil {
		return tokenHeader{}, errors.New("the header of the token is not readable")
	}
	for _, name := range forbiddenHeaders {
		if _, ok := fields[name]; ok {
			return tokenHeader{}, errors.New("the header of the token has a member that is not permitted")
		}
	}
	if _, named := fields["kid"]; named && fields.text("kid") == "" {
		return tokenHeader{}, errors.New("the key id of the token is not readable")
	}
	h := tokenHeader{algorithm: fields.text("alg"), kid: fields.text("kid"), kind: strings.ToLower(fields.text("typ"))}
	h.kind = strings.TrimPrefix(h.kind, "application/")
	return h, nil
}

// decodePart reads one part of a token: an object in which every name stands once.
func decodePart(part string) (claims, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, err
	}
	return decodeClaims(raw)
}

func decodeClaims(raw []byte) (claims, error) {
	if _, err := gateway.ParseBody(raw); err != nil { // size, depth, UTF-8, duplicates
		return nil, err
	}
	var c claims
	if err := json.Unmarshal(raw, &c); err != nil || c == nil {
		return nil, errors.New("no object")
	}
	return c, nil
}

// VerifySignature returns the content of a token that the provider has signed
// with one of the permitted algorithms. Nothing in it has been looked at.
func (p *Provider) VerifySignature(ctx context.Context, text string) ([]byte, error) {
	h, err := readHeader(text)
	if err != nil {
		return nil, err
	}
	return p.verify(ctx, text, h)
}

func (p *Provider) verify(ctx context.Context, text string, h tokenHeader) ([]byte, error) {
	if !slices.Contains(p.config.Algorithms, h.algorithm) || !slices.Contains(knownAlgorithms[:], h.algorithm) {
		return nil, errors.New("the algorithm of the token is not permitted")
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.algorithm)})
	if err != nil {
		return nil, errors.New("the token is not readable")
	}
	keys, err := p.candidates(ctx, h.kid, h.algorithm)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if payload, err := signed.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("the signature of the token is wrong")
}

// claims are the members of a token, by their exact names.
type claims map[string]json.RawMessage

// text is a claim that is a text; empty: it is none.
func (c claims) text(name string) string {
	var s string
	if raw, ok := c[name]; !ok || json.Unmarshal(raw, &s) != nil || !plain(s) {
		return ""
	}
	return s
}

// date is a claim in seconds since 1970.
func (c claims) date(name string) (at time.Time, ok bool) {
	var seconds float64
	raw, there := c[name]
	if !there || json.Unmarshal(raw, &seconds) != nil || math.IsNaN(seconds) || seconds < 0 || seconds > 1<<36 || string(raw) == "null" {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// at follows a name such as "roles" or "realm_access.roles". A claim that has the
// whole name, dots and all, comes first.
func (c claims) at(path string) (json.RawMessage, bool) {
	if raw, ok := c[path]; ok {
		return raw, true
	}
	head, rest, ok := strings.Cut(path, ".")
	if !ok {
		return nil, false
	}
	raw, ok := c[head]
	if !ok || len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	var inner claims
	if json.Unmarshal(raw, &inner) != nil {
		return nil, false
	}
	return inner.at(rest)
}

// values are those of a claim that is a list of texts, or one text with blanks between them.
func (c claims) values(path string) ([]string, bool) {
	raw, ok := c.at(path)
	if !ok {
		return nil, true
	}
	var one string
	if json.Unmarshal(raw, &one) == nil && bytes.HasPrefix(raw, []byte{'"'}) {
		return strings.Fields(one), true
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil || len(many) > maxValues {
		return nil, false
	}
	return many, true
}

// audience reports whether the token is meant for us.
func (c claims) audience(wanted string) bool {
	var one string
	var many []string
	raw := c["aud"]
	switch {
	case json.Unmarshal(raw, &one) == nil:
		return one == wanted && one != ""
	case json.Unmarshal(raw, &many) == nil && len(many) <= maxAudiences:
		return slices.Contains(many, wanted)
	}
	return false
}

// window is the time in which a token is taken.
type window struct {
	now           time.Time
	skew, maxLife time.Duration
}

func (c claims) check(w window) error {
	issued, ok1 := c.date("iat")
	expires, ok2 := c.date("exp")
	switch {
	case !ok1 || !ok2:
		return errors.New("the token does not say when it was issued and when it ends")
	case !w.now.Before(expires.Add(w.skew)):
		return errors.New("the token has expired")
	case issued.After(w.now.Add(w.skew)):
		return errors.New("the token was issued in the future")
	case !expires.After(issued) || expires.Sub(issued) > w.maxLife:
		return errors.New("the token lives too long")
	}
	if _, there := c["nbf"]; !there {
		return nil
	}
	if from, ok := c.date("nbf"); !ok || from.After(w.now.Add(w.skew)) {
		return errors.New("the token is not valid yet")
	}
	return nil
}

// actor is who acts for the subject (RFC 8693): the outermost act claim. Those
// inside it tell the history and give no rights; they are counted only.
func (c claims) actor() (id string, delegated bool, err error) {
	raw, there := c["act"]
	if !there {
		return "", false, nil
	}
	broken := errors.New("the actor of the token is not readable")
	for depth := 0; ; depth++ {
		var act claims
		if depth == maxActors || json.Unmarshal(raw, &act) != nil || act == nil {
			return "", true, broken
		}
		one := act.text("sub")
		if one == "" {
			one = act.text("client_id")
		}
		if issuer, named := act["iss"]; named && !bytes.Equal(issuer, c["iss"]) || one == "" {
			return "", true, broken
		}
		if depth == 0 {
			id = one
		}
		if raw, there = act["act"]; !there {
			return id, true, nil
		}
	}
}

// client is the one the token was issued to.
func (c claims) client() (string, error) {
	id, party := c.text("client_id"), c.text("azp")
	_, named := c["client_id"]
	switch {
	case named && id == "":
		return "", errors.New("the client of the token is not readable")
	case id == "":
		return party, nil
	case party != "" && party != id:
		return "", errors.New("the token names two clients")
	}
	return id, nil
}

// decodeText reads a text that is short, plain and not empty.
func decodeText(raw json.RawMessage, into *string) error {
	if len(raw) == 0 || json.Unmarshal(raw, into) != nil || *into == "" || !plain(*into) {
		return errors.New("no text")
	}
	return nil
}
