// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

func TestPseudonymsAreKeyedAndApart(t *testing.T) {
	t.Parallel()
	keys, other := newKeys(t, 1), newKeys(t, 2)
	const value = "50.1-2026/00417"
	base := keys.Pseudonymise("musterhausen", "case", value)
	if base != keys.Pseudonymise("musterhausen", "case", value) {
		t.Error("the same value has two pseudonyms")
	}
	seen := map[gateway.Pseudonym]string{base: "base"}
	for name, p := range map[string]gateway.Pseudonym{
		"another tenant":  keys.Pseudonymise("beispielstadt", "case", value),
		"another kind":    keys.Pseudonymise("musterhausen", "user", value),
		"another value":   keys.Pseudonymise("musterhausen", "case", value+" "),
		"shifted border":  keys.Pseudonymise("musterhausen", "case5", value[1:]),
		"another secret":  other.Pseudonymise("musterhausen", "case", value),
		"a commitment":    keys.Commit("musterhausen", value, "case", []byte(value)),
		"another case":    keys.Commit("musterhausen", "other", "case", []byte(value)),
		"another purpose": keys.Commit("musterhausen", value, "answer", []byte(value)),
	} {
		if before, ok := seen[p]; ok {
			t.Errorf("%s has the same pseudonym as %s", name, before)
		}
		seen[p] = name
	}
	bare := sha256.Sum256([]byte(value))
	for p, name := range seen {
		for _, encoded := range []string{hex.EncodeToString(bare[:]), base64.RawURLEncoding.EncodeToString(bare[:]), value} {
			if strings.Contains(string(p), encoded) {
				t.Errorf("%s shows the value or its bare hash", name)
			}
		}
	}
	if p := keys.Pseudonymise("musterhausen", "case", ""); p != "" {
		t.Errorf("no value has the pseudonym %q", p)
	}
}

func newKeys(t *testing.T, secret byte) *audit.Keys {
	t.Helper()
	keys, err := audit.NewKeys(bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatalf("keys: %v", err)
	}
	return keys
}

func TestShortSecretsAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := audit.NewKeys(make([]byte, 31)); err == nil {
		t.Error("a secret of 31 bytes is accepted")
	}
}

func TestPublicKeyBelongsToThePrivateOne(t *testing.T) {
	t.Parallel()
	for range 200 { // some keys have a plus sign in their base64
		private, public, err := audit.GenerateKey("stadt.example/record")
		if err != nil {
			t.Fatalf("generate: %v", err)
		}
		if got, err := audit.PublicKey(private); err != nil || got != public {
			t.Fatalf("public key is %q, %v; want %q", got, err, public)
		}
	}
	for _, broken := range []string{"", "PRIVATE+KEY+a+b+c", "x"} {
		if _, err := audit.PublicKey(broken); err == nil {
			t.Errorf("%q is accepted as a key", broken)
		}
	}
}
