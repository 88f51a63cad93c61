// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
)

// The form of an API key: slz_<env>_<keyid>_<secret>_<crc32>. The checksum lets
// scanners recognise a leaked key and lets us refuse junk without a look-up.
const (
	keyPrefix   = "slz"
	maxKeyBytes = 160
	secretBytes = 20
	hashBytes   = sha256.Size
)

var lower32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewKey makes a key. The text is shown once; id and hash are kept.
func NewKey(env string, pepper []byte) (text, id, hash string) {
	id = lower32.EncodeToString(random(6))
	secret := lower32.EncodeToString(random(secretBytes))
	head := strings.Join([]string{keyPrefix, env, id, secret}, "_")
	sum := hashSecret(pepper, id, secret)
	return head + "_" + checksum(head), id, hex.EncodeToString(sum[:])
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func checksum(head string) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(head)))
}

// parseKey splits a key of the right form with the right checksum.
func parseKey(key string) (id, secret string, ok bool) {
	if len(key) > maxKeyBytes {
		return "", "", false
	}
	parts := strings.Split(key, "_")
	if len(parts) != 5 || parts[0] != keyPrefix || !validKeyID(parts[2]) || len(parts[3]) < 16 {
		return "", "", false
	}
	if checksum(key[:len(key)-len(parts[4])-1]) != parts[4] {
		return "", "", false
	}
	return parts[2], parts[3], true
}

func validKeyID(id string) bool {
	if len(id) < 8 || len(id) > 16 {
		return false
	}
	for i := 0; i < len(id); i++ {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// validEnv: what stands in a key must not contain its separator.
func validEnv(env string) bool {
	return env != "" && len(env) <= 16 && strings.IndexFunc(env, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

func hashSecret(pepper []byte, id, secret string) (sum [hashBytes]byte) {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte("schleuse-key\x00" + id + "\x00" + secret))
	mac.Sum(sum[:0])
	return sum
}

func sameHash(a *[hashBytes]byte, b [hashBytes]byte) bool {
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
