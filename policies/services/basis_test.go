// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package services_test

import (
	"context"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/norms"
	"github.com/ki-schleuse/schleuse/policies/services"
)

// TestBasisExists: every norm a definition cites is in the norm register, down
// to its Absatz. A letter could not be released otherwise.
func TestBasisExists(t *testing.T) {
	t.Parallel()
	catalog, err := completeness.LoadCatalog(context.Background(), services.FS)
	if err != nil {
		t.Fatal(err)
	}
	register := norms.Default()
	cited := 0
	exists := func(where string, basis []string) {
		for _, b := range basis {
			cited++
			found := register.Parse(b)
			if len(found) != 1 {
				t.Errorf("%s: %q is %d citations", where, b, len(found))
				continue
			}
			if err := register.Lookup(found[0]); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
	}
	for _, s := range catalog.Services() {
		exists(string(s.ID), s.Nachforderung.Basis)
		for _, f := range s.Fields {
			exists(f.ID, f.Basis)
			for _, i := range f.Items {
				exists(f.ID+"."+i.ID, i.Basis)
			}
		}
		for _, e := range s.Evidence {
			exists(e.ID, e.Basis)
		}
		for _, r := range s.Rules {
			exists(r.ID, r.Basis)
		}
	}
	if cited < 150 {
		t.Errorf("only %d citations", cited)
	}
}
