// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package shelftest says what a shelf must do. Start at [Run].
package shelftest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
)

// Run tests two handles on one shelf.
func Run(t *testing.T, a, b shelf.Store) {
	t.Helper()
	place := shelf.Place{Kind: "draft", Tenant: "musterhausen", ID: "x1"}
	later := time.Now().Add(time.Hour)
	keep := func(p shelf.Place, until time.Time, v string) {
		t.Helper()
		if err := shelf.Put(t.Context(), a, p, until, v); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(p shelf.Place, want string) {
		t.Helper()
		got, err := shelf.Get[string](t.Context(), b, p)
		if want == "" && codeOf(err) != gateway.CodeNotFound || want != "" && err != nil || got != want {
			t.Errorf("%+v: %q, %v, want %q", p, got, err, want)
		}
	}
	wants(place, "")
	keep(place, later, "Frau Ülkü")
	wants(place, "Frau Ülkü")
	keep(place, later, "anders")
	wants(place, "anders")
	for _, other := range []shelf.Place{{Kind: "report", Tenant: "musterhausen", ID: "x1"}, {Kind: "draft", Tenant: "tannberg", ID: "x1"}, {Kind: "draft", Tenant: "musterhausen", ID: "x2"}} {
		wants(other, "")
	}
	keep(shelf.Place{Kind: "draft", Tenant: "musterhausen", ID: "old"}, time.Now().Add(-time.Second), "alt")
	wants(shelf.Place{Kind: "draft", Tenant: "musterhausen", ID: "old"}, "")
	if err := shelf.Put(t.Context(), a, place, later, bytes.Repeat([]byte("x"), shelf.MaxValue)); codeOf(err) != gateway.CodeTooLarge {
		t.Errorf("a value that is too large: %v", err)
	}
	wants(place, "anders")
}

func codeOf(err error) gateway.Code {
	if known, ok := errors.AsType[*gateway.Error](err); ok {
		return known.Code
	}
	return ""
}
