// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"errors"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// What a caller sent is refused in German, with its place.
func TestStrictSpeaksGerman(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"fremd":1}`:  `Das Feld „fremd“ gibt es hier nicht.`,
		`{"n":"drei"}`: `Der Wert von „n“ hat den falschen Typ: Text statt Zahl.`,
		`{"list":{}}`:  `Der Wert von „list“ hat den falschen Typ: Objekt statt Liste.`,
		`{"n":`:        `Das ist kein gültiges JSON oder hat nicht die erwartete Form.`,
	} {
		var into struct {
			N    int      `json:"n"`
			List []string `json:"list"`
		}
		err := strict([]byte(raw), "facts", &into)
		var known *gateway.Error
		if !errors.As(err, &known) || known.Message != want || known.Path != "facts" || known.Code != gateway.CodeInvalid {
			t.Errorf("%s: %+v, want %s", raw, *known, want)
		}
	}
}
