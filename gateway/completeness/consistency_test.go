// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/policies/services"
)

// TestSchemaAndDefinitionAgree: every field of service.yaml is in schema.json
// with the same values, and the other way round.
func TestSchemaAndDefinitionAgree(t *testing.T) {
	t.Parallel()
	for _, s := range setup(t).Services() {
		raw, err := services.FS.ReadFile(string(s.ID) + "/schema.json")
		if err != nil {
			t.Fatal(err)
		}
		var schema node
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		var inSchema, inDefinition []string
		schema.leaves("", &inSchema)
		for _, f := range s.Fields {
			inDefinition = append(inDefinition, describe(f.ID, f.Values))
			for _, i := range f.Items {
				inDefinition = append(inDefinition, describe(f.ID+"."+i.ID, i.Values))
			}
		}
		same(t, string(s.ID), inSchema, inDefinition)
	}
}

type node struct {
	Properties map[string]*node `json:"properties"`
	Items      *node            `json:"items"`
	Enum       []string         `json:"enum"`
}

func (n *node) leaves(path string, out *[]string) {
	if n.Items != nil {
		*out = append(*out, describe(path, nil))
		n.Items.leaves(path, out)
		return
	}
	if n.Properties == nil {
		*out = append(*out, describe(path, n.Enum))
		return
	}
	for name, child := range n.Properties {
		if path != "" {
			name = path + "." + name
		}
		child.leaves(name, out)
	}
}

func describe(path string, values []string) string {
	return fmt.Sprintf("%s %q", path, values)
}

// FuzzDocuments reads arbitrary text as a document.
func FuzzDocuments(f *testing.F) {
	f.Add("Mietvertrag\nHerr Jonas Achterberg, geboren am 17.05.1990\nGesamtmiete monatlich 839,00 €")
	f.Add("Sehtestbescheinigung\nDer Sehtest ist ☐ bestanden ☒ nicht bestanden")
	f.Add("Kontoauszug\n03.10. Dauerauftrag MIETE -839,00\nNeuer Kontostand 1,00")
	f.Add("Lohnabrechnung\nẞİ\u0130 Gehaltsabrechnung 13/2026 99.99.9999")
	c := newChecker(f, completeness.Config{Reader: texts{}})
	f.Fuzz(func(t *testing.T, text string) {
		in := completeness.Input{Service: "fahrerlaubnis-ersterteilung", Application: []byte(licence), Documents: []completeness.InputDocument{{Content: []byte(text)}}}
		r, err := c.Check(context.Background(), gateway.Caller{}, in)
		if err != nil {
			t.Fatalf("check: %v", err)
		}
		if r.Complete {
			t.Error("one document cannot be all of the evidence")
		}
	})
}
