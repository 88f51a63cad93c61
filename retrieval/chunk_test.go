// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// shown is what a piece looks like in a table: section and beginning.
func shown(pieces []piece) []string {
	var out []string
	for _, p := range pieces {
		out = append(out, fmt.Sprintf("%s|%.12s", p.citation.Section, p.text))
	}
	return out
}

func TestSectionPieces(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Wer umzieht, meldet sich. ", 45) // about 1,200 bytes
	numbers := "1.  " + long + "\n2.  " + long
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"short stays whole", "(1) Eins.\n\n(2) Zwei.", []string{"§ 17 BMG|(1) Eins.\n\n("}},
		{"cut at Absätze", "(1) " + long + "\n\n(2) " + long, []string{"§ 17 Abs. 1 BMG|(1) Wer umzi", "§ 17 Abs. 2 BMG|(2) Wer umzi"}},
		{"a short Absatz goes with the next", "(1) Kurz.\n\n(2) " + long + "\n\n(3a) " + long, []string{"§ 17 Abs. 1 BMG|(1) Kurz.\n\n(", "§ 17 Abs. 3a BMG|(3a) Wer umz"}},
		{"then at Nummern", "(1) Vorher gilt:\n" + numbers, []string{"§ 17 Abs. 1 BMG|(1) Vorher g", "§ 17 Abs. 1 BMG|2.  Wer umzi"}},
		{"without structure", strings.Repeat(long, 3), []string{"§ 17 BMG|Wer umzieht,", "§ 17 BMG|Wer umzieht,"}},
		{"empty", " \n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := Document{Statute: "BMG", Sections: []Section{{Number: "§ 17", Heading: "Anmeldung", Text: test.text}}}
			got := d.pieces()
			if !slices.Equal(shown(got), test.want) {
				t.Errorf("pieces %q, want %q", shown(got), test.want)
			}
			for _, p := range got {
				if p.header != "BMG § 17 Anmeldung" || p.norm != "bmg§17" {
					t.Errorf("header %q, key %q", p.header, p.norm)
				}
			}
		})
	}
}

func TestPagePieces(t *testing.T) {
	t.Parallel()
	text := "# Dienstanweisung\n\nEinleitung.\n\n## Fristen\n\nDie Frist beträgt zwei Wochen.\n\n2.1 Ausnahmen\n\nKeine."
	d := Document{Title: "DA", Pages: []extract.Page{{Number: 1, Text: text}, {Number: 2, Text: "Auf der zweiten Seite geht es weiter."}}}
	want := []string{"Dienstanweisung|# Dienstanwe", "Dienstanweisung › Fristen|## Fristen\n\n", "Dienstanweisung › 2.1 Ausnahmen|2.1 Ausnahme", "Dienstanweisung › 2.1 Ausnahmen|Auf der zwei"}
	got := d.pieces()
	if !slices.Equal(shown(got), want) {
		t.Errorf("pieces %q, want %q", shown(got), want)
	}
	if got[3].citation.Page != 2 || got[3].header != "DA Dienstanweisung › 2.1 Ausnahmen" {
		t.Errorf("piece %+v stands on page 2 under its heading", got[3])
	}
}

func TestHeadingLevel(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"# Eins": 1, "### Drei": 3, "#Kein": 0, "1. Zweck": 1, "2.1 Fristen": 2, "17.05.2026 Tannberg": 0, "Miete 612,00 €": 0,
		"ALLGEMEINE HINWEISE": 1, "IBAN DE05": 0, "Ein Satz endet hier.": 0, "": 0, "2.1 kleingeschrieben": 0, "WOHNBAU EG   839,00": 0,
	} {
		if got := headingLevel(line); got != want {
			t.Errorf("%q: level %d, want %d", line, got, want)
		}
	}
}

func TestNamedSections(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]named{
		"Was regelt § 17 BMG?":                         {{"bmg§17", ""}},
		"§ 17 Abs. 2 Satz 1 Nr. 3 BMG":                 {{"bmg§17", "2"}},
		"nach § 60 Absatz 1 SGB I und § 80 SGB 10":     {{"sgb1§60", "1"}, {"sgb10§80", ""}},
		"Art. 6 Abs. 1 lit. c DSGVO":                   {{"dsgvo§6", "1"}},
		"BMG § 17":                                     {{"bmg§17", ""}},
		"§ 31a Abs. 1 VwVfG":                           {{"vwvfg§31a", "1"}},
		"§ 30 AO":                                      {{"ao§30", ""}},
		"§ 17 ohne Gesetz":                             nil,
		"keine Vorschrift":                             nil,
		"§ 15 WoGG, dann § 3 WoGG":                     {{"wogg§15", ""}, {"wogg§3", ""}},
		"§ 1 GewO " + strings.Repeat("§ 2 GewO ", 100): nil,
	} {
		got := namedSections(text)
		if strings.Count(text, "GewO") > 2 {
			if len(got) != maxNamed {
				t.Errorf("%d sections, want at most %d", len(got), maxNamed)
			}
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for _, key := range []string{normKey("SGB X", "§ 80"), normKey("SGB 10", "80")} {
		if key != "sgb10§80" {
			t.Errorf("key %q, want sgb10§80", key)
		}
	}
	if key := normKey("AO 1977", "§ 30"); key != "ao§30" {
		t.Errorf("key %q, want ao§30: the year is not part of what people write", key)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Gru\u0308ße AN Mu\u0308nchen":    "grüße an münchen",
		"Woh\u00ADnung":                   "wohnung",
		"Miet-\nbescheinigung":            "mietbescheinigung",
		"Miet-\n   bescheinigung":         "mietbescheinigung",
		"Nord-\nRhein":                    "nord rhein",
		"§ 17a Abs. 2":                    "17a abs 2",
		"ﬁnden":                           "finden",
		strings.Repeat("x", 200):          strings.Repeat("x", maxWord),
		"12,50 €":                         "12 50",
		"":                                "",
		"Straße\tHaus\u00a0nummer":        "straße haus nummer",
		"Antrag-\n\nsteller":              "antrag steller",
		"Personalausweis-\n  und Passamt": "personalausweis und passamt",
	} {
		if got := strings.Join(words(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzPieces: whatever the text, every chunk is exactly the bytes its citation
// names, within bounds, and nothing visible is lost.
func FuzzPieces(f *testing.F) {
	f.Add("(1) Eins.\n\n(2) Zwei.")
	f.Add(strings.Repeat("Wer umzieht, meldet sich. ", 90))
	f.Add("# Titel\n\n" + strings.Repeat("ä", 1100))
	f.Add("1. a\n\n\n(3a) b\r\n \u00a0")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		d := Document{Title: "T", Statute: "BMG", Sections: []Section{{Number: "§ 1", Text: text}}, Pages: []extract.Page{{Number: 1, Text: text}}}
		visible := map[int]int{} // by page: 0 is the section
		for _, p := range d.pieces() {
			c := p.citation
			if c.Start < 0 || c.End > len(text) || text[c.Start:c.End] != p.text || Hash(p.text) != c.SHA256 {
				t.Fatalf("citation %d to %d does not name the passage", c.Start, c.End)
			}
			if len(p.text) > maxSection || len(p.text) == 0 {
				t.Fatalf("chunk of %d bytes", len(p.text))
			}
			visible[c.Page] += len(strings.Join(strings.Fields(p.text), ""))
			BM25{}.withDefaults().weights(p.header, p.text)
		}
		whole := len(strings.Join(strings.Fields(text), ""))
		for page := range 2 {
			if visible[page] != whole {
				t.Fatalf("page %d: chunks hold %d visible bytes of %d", page, visible[page], whole)
			}
		}
	})
}

func FuzzQuestion(f *testing.F) {
	f.Add("§ 17 Abs. 2 BMG und Miet-\nbescheinigung")
	f.Fuzz(func(t *testing.T, text string) {
		if n := len(namedSections(text)); n > maxNamed {
			t.Errorf("%d named sections", n)
		}
		for _, q := range queryTerms(text) {
			if q.Count < 1 || q.Term >= TermSpace {
				t.Errorf("term %+v", q)
			}
		}
	})
}
