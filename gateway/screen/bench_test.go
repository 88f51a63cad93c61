// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

// benchText is 30 KB: about 70 percent legal prose, 30 percent letters.
func benchText() string {
	const prose = `Die Behörde hat bei der Entscheidung über den Antrag nach § 28 Abs. 1 VwVfG den Beteiligten Gelegenheit zu geben, sich zu den für die
Entscheidung erheblichen Tatsachen zu äußern. Das Bundesverwaltungsgericht hat mit Urteil vom 12. März 2019 (Az. 4 C 5.18) entschieden, dass es auf die
Umstände des Einzelfalls ankommt; dies gilt auch für Leistungen nach dem Wohngeldgesetz. Die Höhe der Miete beträgt 839,00 Euro monatlich, davon entfallen
135,00 Euro auf Betriebskosten. Ein Anspruch besteht nicht, soweit die Voraussetzungen des § 21 Nr. 3 WoGG vorliegen. Schwerbehinderte Menschen erhalten
einen Freibetrag. `
	const letter = `Stadt Tannberg, Hauptstraße 1, 77999 Tannberg. Unser Zeichen: WG-2026/0815. Sehr geehrte Frau Mustermann, Ihr Antrag vom 02.11.2026 ist
eingegangen. Bitte überweisen Sie auf das Konto DE89 3704 0044 0532 0130 00. Herr Jonas Achterberg, geboren am 17.05.1990, Steuer-ID 86 095 742 719, ist
unter Tel. 0711/12345-67 oder jonas.achterberg@example.org erreichbar. Das Kennzeichen lautet S-AB 1234. `
	var b strings.Builder
	for b.Len() < 30<<10 {
		b.WriteString(prose + prose + letter)
	}
	return b.String()[:30<<10-4]
}

func BenchmarkScreen30KB(b *testing.B) {
	sc := plainScreener(b)
	texts := []string{benchText()}
	b.SetBytes(int64(len(texts[0])))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sc.Screen(context.Background(), texts, caseEntities); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e6/float64(b.N), "ms/30KB")
}

// twentyEntities is a case with many persons.
func twentyEntities() []gateway.Entity {
	out := slices.Clone(caseEntities)
	for _, name := range []string{
		"Jonas Achterberg", "Ayşe Yılmaz", "Ludwig van Beethoven", "Karl-Heinz Meyer-Landrut", "Petra Schäfer", "Olena Kowalenko",
		"Mehmet Öztürk", "Gerlinde Groß", "Fatima El Khatib", "Thomas Weiß",
	} {
		out = append(out, gateway.Entity{Type: "person", Value: name})
	}
	return append(out,
		gateway.Entity{Type: "address", Value: "Lindenweg 12, 70173 Stuttgart"}, gateway.Entity{Type: "iban", Value: "DE89 3704 0044 0532 0130 00"},
		gateway.Entity{Type: "email", Value: "jonas.achterberg@example.org"}, gateway.Entity{Type: "date_of_birth", Value: "17.05.1990"})
}

// BenchmarkScreenSizes screens texts of several sizes, with and without
// anything to find, by a screener that remembers nothing.
func BenchmarkScreenSizes(b *testing.B) {
	dense := benchText()
	clean := strings.Repeat(dense[:1200], 30)
	for _, bb := range []struct {
		name  string
		text  string
		known []gateway.Entity
	}{
		{"clean/400B", clean[:400], nil},
		{"clean/1KB", clean[:1<<10], nil},
		{"clean/30KB", clean[:30<<10], nil},
		{"dense/400B", dense[1240:1640], nil},
		{"dense/1KB", dense[1000:2024], nil},
		{"dense/30KB", dense, nil},
		{"6entities/1KB", dense[1000:2024], caseEntities},
		{"20entities/1KB", dense[1000:2024], twentyEntities()},
		{"20entities/30KB", dense, twentyEntities()},
	} {
		b.Run(bb.name, func(b *testing.B) {
			sc := plainScreener(b)
			texts := []string{bb.text}
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sc.Screen(context.Background(), texts, bb.known); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNewText screens texts that come once: what remembering costs when it
// is of no use.
func BenchmarkNewText(b *testing.B) {
	dense := benchText()
	remembering, err := screen.New(screen.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{400, 1 << 10, 30<<10 - 100} {
		for _, bb := range []struct {
			name string
			sc   gateway.Screener
		}{{"plain", plainScreener(b)}, {"remembering", remembering}} {
			b.Run(fmt.Sprintf("%dB/%s", size, bb.name), func(b *testing.B) {
				b.ReportAllocs()
				round := 0
				for b.Loop() {
					round++
					texts := []string{strconv.Itoa(round) + dense[100:size]}
					if _, err := bb.sc.Screen(context.Background(), texts, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkChat screens a chat of 30 KB in 20 turns whose last turn is new in
// every round.
func BenchmarkChat(b *testing.B) {
	dense := benchText()
	var turns []string
	for from := 0; from+1500 <= len(dense); from += 1500 {
		turns = append(turns, dense[from:from+1500])
	}
	remembering, err := screen.New(screen.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name string
		sc   gateway.Screener
	}{{"every turn read", plainScreener(b)}, {"remembered", remembering}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			round := 0
			for b.Loop() {
				round++
				turns[len(turns)-1] = strconv.Itoa(round) + dense[:1500]
				if _, err := bb.sc.Screen(context.Background(), turns, caseEntities); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScreenAndPseudonymise30KB(b *testing.B) {
	sc := plainScreener(b)
	texts := []string{benchText()}
	b.SetBytes(int64(len(texts[0])))
	b.ReportAllocs()
	for b.Loop() {
		s, err := sc.Screen(context.Background(), texts, caseEntities)
		if err != nil {
			b.Fatal(err)
		}
		s.Pseudonymise()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e6/float64(b.N), "ms/30KB")
}

// baselinePatterns find the same kinds the straightforward way, without check
// digits and without persons by label or closing formula.
var baselinePatterns = func() []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, p := range []string{
		`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`,
		`\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b`,
		`\b[1-9]\d ?\d{3} ?\d{3} ?\d{3}\b`,
		`\b\d{2,3}[/ ]\d{3,4}[/ ]\d{4,5}\b|\b\d{5}/\d{5}\b|\b\d{13}\b`,
		`\bDE ?\d{9}(?:-\d{5})?\b`,
		`\b\d{2} ?\d{6} ?[A-Z] ?\d{3}\b`,
		`\b[A-Z]\d{9}\b`,
		`\b[LMNPRTVWXYCFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}\d?\b`,
		`\b[A-P]\d{2}[0-9A-Z]{6}[0-9X][0-9A-Z]\b`,
		`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`,
		`(?:\+49|0049|\b0)[\d /()-]{7,16}\d`,
		`(?:geb\.|geboren|Geburtsdatum|\*)[^\d]{0,20}\d{1,2}\. ?(?:\d{1,2}\.|[A-ZÄ][a-zä]+) ?\d{4}`,
		`\b[A-ZÄÖÜ][A-Za-zäöüß.-]*(?:straße|str\.|weg|platz|allee|gasse) \d{1,4} ?[a-z]?\b`,
		`\b\d{5} [A-ZÄÖÜ][a-zäöüß]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?\b`,
		`\b[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?\d{1,4}[EH]?\b`,
		`(?:Az\.|Aktenzeichen|Kassenzeichen|Zeichen):? *[A-Z0-9][A-Za-z0-9./-]+`,
		`(?:Herrn?|Frau|Familie) (?:Dr\. )?[A-ZÄÖÜ][a-zäöüß]+(?:[ -][A-ZÄÖÜ][a-zäöüß]+)?`,
		`\b(?:\d[ -]?){13,16}\b`,
		`\bDE\d{2}ZZZ\d{11}\b`,
		`\b(?:\d{1,3}\.){3}\d{1,3}\b`,
		`(?i)\b(?:Erika|Müller|Max|Richter)s?\b`,
		`(?i)Hauptstra(?:ß|ss)e 5|WG-2026/0815|0711 ?123456`,
	} {
		out = append(out, regexp.MustCompile(p))
	}
	return out
}()

func BenchmarkRegexpBaseline30KB(b *testing.B) {
	text := benchText()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, p := range baselinePatterns {
			n += len(p.FindAllStringIndex(text, -1))
		}
		if n == 0 {
			b.Fatal("the baseline found nothing")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e6/float64(b.N), "ms/30KB")
}

func BenchmarkRestoreStream(b *testing.B) {
	s, err := plainScreener(b).Screen(context.Background(), []string{benchText()}, caseEntities)
	if err != nil {
		b.Fatal(err)
	}
	out, r := s.Pseudonymise()
	text := out[0]
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		st := r.Stream(false)
		for i := 0; i < len(text); i += 24 {
			st.Write(text[i:min(len(text), i+24)])
		}
		st.Flush()
		if st.Count() == 0 {
			b.Fatal("nothing was restored")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(text)), "ns/byte")
}

func BenchmarkRestoreWhole(b *testing.B) {
	s, err := plainScreener(b).Screen(context.Background(), []string{benchText()}, caseEntities)
	if err != nil {
		b.Fatal(err)
	}
	out, r := s.Pseudonymise()
	b.SetBytes(int64(len(out[0])))
	b.ReportAllocs()
	for b.Loop() {
		r.Restore(out[0], false)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(out[0])), "ns/byte")
}
