// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/ki-schleuse/schleuse/gateway"
)

const (
	keySize   = 32
	nonceSize = 12
	// sealVersion is the first byte of what is sealed: AES-256-GCM, a random nonce.
	sealVersion = 1
)

// errSealed says that something cannot be opened, without saying why.
var errSealed = errors.New("a sealed content is damaged, or not of this entry, or sealed with another key")

func newKeyID() string { return rand.Text() }

// seal encrypts a text. additional is what it belongs to: it opens nowhere else.
func seal(key, text, additional []byte) ([]byte, error) {
	aead, err := cipherOf(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1+nonceSize, 1+nonceSize+len(text)+aead.Overhead())
	out[0] = sealVersion
	rand.Read(out[1:])
	return aead.Seal(out, out[1:], text, additional), nil
}

// open decrypts what seal has made.
func open(key, sealed, additional []byte) ([]byte, error) {
	aead, err := cipherOf(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 1+nonceSize || sealed[0] != sealVersion {
		return nil, errSealed
	}
	text, err := aead.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], additional)
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}

func cipherOf(key []byte) (cipher.AEAD, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("a key has %d bytes, needs %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// additional is what a content belongs to: nobody can put it elsewhere, make it
// look whole or change when it ends.
func (i Item) additional() []byte {
	return joined("content", string(i.Tenant), string(i.Case), i.Entry, string(i.Kind), strconv.Itoa(sealVersion), i.Key,
		string(i.User), strconv.FormatInt(i.Expires.UnixNano(), 10), strconv.FormatBool(i.Original), strconv.FormatBool(i.Truncated))
}

// additional is what a wrapped key belongs to.
func (k Key) additional() []byte {
	return joined("key", string(k.Tenant), k.Name, k.ID, strconv.Itoa(sealVersion))
}

// joined puts the length before each part, so that no two lists of parts collide.
func joined(parts ...string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// wrap makes a key and seals it under the key of the tenant.
func (v *Vault) wrap(k *Key) (key []byte, err error) {
	tenant, err := v.tenantKey(k.Tenant)
	if err != nil {
		return nil, err
	}
	key = make([]byte, keySize)
	rand.Read(key)
	if k.Wrapped, err = seal(tenant, key, k.additional()); err != nil {
		return nil, fmt.Errorf("wrap key: %w", err)
	}
	return key, nil
}

func (v *Vault) unwrap(k Key) ([]byte, error) {
	tenant, err := v.tenantKey(k.Tenant)
	if err != nil {
		return nil, err
	}
	key, err := open(tenant, k.Wrapped, k.additional())
	if err != nil {
		return nil, fmt.Errorf("unwrap key: %w", err)
	}
	return key, nil
}

func (v *Vault) tenantKey(tenant gateway.TenantID) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, v.config.Master, nil, string(joined("ki-schleuse vault v1", string(tenant))), keySize)
	if err != nil {
		return nil, fmt.Errorf("derive key of the tenant: %w", err)
	}
	return key, nil
}
