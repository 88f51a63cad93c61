// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// answerLife is how long a request can be repeated for the same answer.
const answerLife = 24 * time.Hour

// request is a request that may be repeated. Its answer holds the texts of new
// keys, therefore it is kept encrypted under the pepper and the request key
// together: neither the database nor the master secret opens it.
type request struct {
	id          string
	fingerprint string
	aead        cipher.AEAD
}

// maxRequestKey bounds an Idempotency-Key, minRequestKey keeps it from being guessed.
const (
	minRequestKey = 16
	maxRequestKey = 200
)

// request is nil when there is no request key.
func (r *Registry) request(by Actor, key string, input ...any) (*request, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // no key, no request that can be repeated
	}
	if len(key) < minRequestKey || len(key) > maxRequestKey || !plain(key) {
		return nil, invalid("Idempotency-Key", fmt.Sprintf("Erwartet wird ein Text von %d bis %d Zeichen, am besten eine UUID.", minRequestKey, maxRequestKey))
	}
	raw, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	scope := by.Name + "\x00" + key
	block, err := aes.NewCipher(digest(r.config.Pepper, "answer", scope))
	if err != nil {
		return nil, fmt.Errorf("prepare cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare cipher: %w", err)
	}
	return &request{
		id:          hex.EncodeToString(digest(r.config.Pepper, "request", scope)),
		fingerprint: hex.EncodeToString(digest(r.config.Pepper, "input", string(raw))),
		aead:        aead,
	}, nil
}

func digest(pepper []byte, kind, text string) []byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte("schleuse-" + kind + "\x00" + text))
	return mac.Sum(nil)
}

func (q *request) digest() string {
	if q == nil {
		return ""
	}
	return q.id
}

// answered is what is kept of a request.
type answered struct {
	At          time.Time `json:"at"`
	Fingerprint string    `json:"fingerprint"`
	Outcome     Outcome   `json:"outcome"`
}

func (q *request) seal(out Outcome, now time.Time) ([]byte, error) {
	raw, err := json.Marshal(answered{now, q.fingerprint, out})
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	nonce := make([]byte, q.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	return q.aead.Seal(nonce, nonce, raw, []byte(q.id)), nil
}

// open returns the answer kept; ok is false when it is too old to count.
func (q *request) open(sealed []byte, now time.Time) (out Outcome, ok bool, err error) {
	size := q.aead.NonceSize()
	if len(sealed) < size {
		return Outcome{}, false, errors.New("kept answer is too short")
	}
	raw, err := q.aead.Open(nil, sealed[:size], sealed[size:], []byte(q.id))
	if err != nil {
		return Outcome{}, false, fmt.Errorf("open kept answer: %w", err)
	}
	var a answered
	if err := json.Unmarshal(raw, &a); err != nil {
		return Outcome{}, false, fmt.Errorf("decode kept answer: %w", err)
	}
	if now.Sub(a.At) > answerLife {
		return Outcome{}, false, nil
	}
	if a.Fingerprint != q.fingerprint {
		return Outcome{}, false, &gateway.Error{Op: "repeat request", Code: gateway.CodeConflict, Path: "Idempotency-Key", Message: "Unter diesem Idempotency-Key kam schon eine andere Anfrage."}
	}
	a.Outcome.Replayed = true
	return a.Outcome, true, nil
}
