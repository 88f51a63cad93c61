// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package shelf

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// sealed hides what it keeps from the store behind it.
type sealed struct {
	behind Store
	aead   cipher.AEAD
	names  []byte
}

// Seal keeps values in AES-256-GCM and names as digests. The place is bound to
// the value: one that was moved to another tenant or another id does not open. key
// is 32 bytes and does not stand in the database.
func Seal(behind Store, key []byte) (Store, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, errors.New("seal shelf: the key must have 32 bytes")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal shelf: %w", err)
	}
	names := hmac.New(sha256.New, key)
	names.Write([]byte("names"))
	return &sealed{behind: behind, aead: aead, names: names.Sum(nil)}, nil
}

func (s *sealed) Put(ctx context.Context, i Item) error {
	i.Value = s.aead.Seal(nil, nil, i.Value, bound(i.Place)) //nolint:gosec // the nonce is random, see NewGCMWithRandomNonce
	i.Place = s.hidden(i.Place)
	return s.behind.Put(ctx, i)
}

func (s *sealed) Get(ctx context.Context, p Place) (Item, error) {
	i, err := s.behind.Get(ctx, s.hidden(p))
	if err != nil {
		return Item{}, err
	}
	if i.Value, err = s.aead.Open(nil, nil, i.Value, bound(p)); err != nil {
		return Item{}, fmt.Errorf("open %s: %w", p.Kind, err)
	}
	i.Place = p
	return i, nil
}

// hidden keeps kind and tenant, by which a store shares out its room.
func (s *sealed) hidden(p Place) Place {
	digest := hmac.New(sha256.New, s.names)
	digest.Write([]byte(p.ID))
	p.ID = hex.EncodeToString(digest.Sum(nil)[:16])
	return p
}

func bound(p Place) []byte { return []byte(p.Kind + "\x00" + string(p.Tenant) + "\x00" + p.ID) }
