// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package shelf keeps what people come back to within a working day: checks and
// drafts. Replicas share it, sealed, so that the database never holds a word of
// them. It is not the record and no archive: everything has an end, and may be
// gone earlier.
//
// Start at [Put] and [Get]; [Memory] is for one process, shelf/postgres for
// several, behind [Seal].
package shelf

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Place names a value: what it is, whose it is, which one it is.
type Place struct {
	Kind   string
	Tenant gateway.TenantID
	ID     string
}

// Item is a value in its place until a time.
type Item struct {
	Place

	Until time.Time
	Value []byte
}

// MaxValue bounds one value.
const MaxValue = 8 << 20

// Store keeps items. It is safe for concurrent use. What belongs to one tenant is
// never found by another.
type Store interface {
	// Put keeps an item, in the place of an older one.
	Put(ctx context.Context, i Item) error
	// Get returns CodeNotFound when there is none, or none any more.
	Get(ctx context.Context, p Place) (Item, error)
}

// Put keeps a value as JSON.
func Put[T any](ctx context.Context, s Store, p Place, until time.Time, v T) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("keep %s: %w", p.Kind, err)
	}
	if len(value) > MaxValue {
		return &gateway.Error{Op: "keep " + p.Kind, Code: gateway.CodeTooLarge, Message: "Das Ergebnis ist zu groß, um es aufzuheben (mehr als 8 MiB)."}
	}
	return s.Put(ctx, Item{Place: p, Until: until, Value: value})
}

// Get returns a value that was put as JSON.
func Get[T any](ctx context.Context, s Store, p Place) (v T, err error) {
	i, err := s.Get(ctx, p)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(i.Value, &v); err != nil {
		return v, fmt.Errorf("read %s: %w", p.Kind, err)
	}
	return v, nil
}

// NotFound says that there is nothing in a place, any more or at all.
func NotFound(p Place) error {
	return &gateway.Error{Op: "find " + p.Kind, Code: gateway.CodeNotFound, Message: "Das gibt es hier nicht oder nicht mehr."}
}
