// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import "testing"

// TestTemplates parses every page, which a running program does when a page is
// first asked for.
func TestTemplates(t *testing.T) {
	t.Parallel()
	l, err := newLocale()
	if err != nil {
		t.Fatal(err)
	}
	u := &UI{locale: l}
	if err := u.readTemplates(); err != nil {
		t.Fatal(err)
	}
	for name := range u.templates {
		if _, err := u.template(name); err != nil {
			t.Error(err)
		}
	}
	if len(u.templates) < 10 {
		t.Errorf("only %d pages", len(u.templates))
	}
}
