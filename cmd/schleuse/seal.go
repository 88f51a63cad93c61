// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// recordKey is the private key that seals the record, in the form of
// x/mod/sumdb/note. It is derived from the master secret, so that replicas seal
// alike and the database never holds it.
func recordKey(origin string, master []byte) (string, error) {
	private := ed25519.NewKeyFromSeed(derive(master, "record seal"))
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("make record key: unexpected type %T", private.Public())
	}
	verifier, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return "", fmt.Errorf("make record key: %w", err)
	}
	hash, _, _ := strings.Cut(strings.TrimPrefix(verifier, origin+"+"), "+")
	const algorithmEd25519 = 1
	seed := append([]byte{algorithmEd25519}, private.Seed()...)
	return "PRIVATE+KEY+" + origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(seed), nil
}
