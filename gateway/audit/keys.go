// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Keys turns file numbers, users and texts into keyed digests. Without the
// master secret nobody can find out a value by trying, which a bare hash of a
// short value would allow. Keep the secret outside the database.
type Keys struct{ master []byte }

const keySize = sha256.Size

// NewKeys takes a master secret of at least 32 bytes.
func NewKeys(master []byte) (*Keys, error) {
	if len(master) < keySize {
		return nil, fmt.Errorf("master secret of the record has %d bytes, needs at least %d", len(master), keySize)
	}
	return &Keys{master: append([]byte(nil), master...)}, nil
}

// Pseudonymise returns the pseudonym of a value; the same value of the same
// kind has the same pseudonym within a tenant and an unrelated one in any other.
// An empty value has none.
func (k *Keys) Pseudonymise(tenant gateway.TenantID, kind, value string) gateway.Pseudonym {
	if value == "" {
		return ""
	}
	return digest(k.tenantKey(tenant), []byte("pseudonym"), []byte(kind), []byte(value))
}

// Commit returns a commitment to a text of a case, for example the body of a
// request: who has the text and the secret can prove that it was this one.
func (k *Keys) Commit(tenant gateway.TenantID, file, kind string, text []byte) gateway.Pseudonym {
	if len(text) == 0 {
		return ""
	}
	return digest(mac(k.tenantKey(tenant), []byte("case"), []byte(file)), []byte("commitment"), []byte(kind), text)
}

func (k *Keys) tenantKey(tenant gateway.TenantID) []byte {
	return mac(k.master, []byte("schleuse record v1"), []byte("tenant"), []byte(tenant))
}

// mac puts the length before each part, so that no two lists of parts collide.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write(p)
	}
	return h.Sum(nil)
}

func digest(key []byte, parts ...[]byte) gateway.Pseudonym {
	return gateway.Pseudonym("p1_" + base64.RawURLEncoding.EncodeToString(mac(key, parts...)))
}

// GenerateKey makes a key that signs checkpoints. name says which installation
// speaks, for example "schleuse.stadt-musterhausen.de/record". The private part
// is a secret; the public part goes to everybody who shall be able to verify.
func GenerateKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", fmt.Errorf("generate key %q: %w", name, err)
	}
	return private, public, nil
}

// PublicKey returns the public part of a private key.
func PublicKey(private string) (string, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return "", errors.New("the private key of the record is malformed")
	}
	// PRIVATE+KEY+name+hash+base64, and base64 may contain a plus sign.
	encoded := strings.SplitN(private, "+", 5)[4]
	seed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("the private key of the record is no Ed25519 key")
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("the private key of the record has no public key")
	}
	return note.NewEd25519VerifierKey(signer.Name(), public)
}

// trusted are the public keys whose signatures count, all of one origin.
func trusted(origin string, public []string) (note.Verifiers, error) {
	var list []note.Verifier
	for _, p := range public {
		v, err := note.NewVerifier(p)
		if err != nil {
			return nil, fmt.Errorf("public key of the record: %w", err)
		}
		if v.Name() != origin {
			return nil, fmt.Errorf("public key is of %q, not of %q", v.Name(), origin)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}
