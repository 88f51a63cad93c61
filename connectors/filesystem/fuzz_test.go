// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package filesystem

import (
	"errors"
	"testing"

	"github.com/ki-schleuse/schleuse/connectors"
)

func FuzzRules(f *testing.F) {
	f.Add([]byte("allow: ['group:wohngeld']\nfiles:\n  a.txt: {deny: ['user:eva']}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRules(data)
		if err != nil && (r.folder.Exact || len(r.folder.Allow) > 0) {
			t.Errorf("rules %+v beside error %v", r, err)
		}
		for _, p := range r.folder.Allow {
			if checkPrincipal(p) != nil {
				t.Errorf("principal %q was let through", p)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	good, err := encodeCursor(snapshot{Files: map[string]seen{"a": {Hash: "x"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := decodeCursor(data)
		if err != nil && !errors.Is(err, connectors.ErrCursorExpired) {
			t.Errorf("error %v, want %v", err, connectors.ErrCursorExpired)
		}
	})
}
