// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

var caseEntities = []gateway.Entity{
	person("Erika", "Müller"), person("Max", "Richter"),
	{Type: "address", Value: "Hauptstraße 5, 77999 Tannberg"},
	{Type: "date_of_birth", Value: "1988-03-14"},
	{Type: "phone", Value: "0711 123456"},
	{Type: "file_number", Value: "WG-2026/0815"},
}

var fragments = strings.Fields(`Herr Frau Müller Müllers Erika MÜLLER von der Dr. Richter geb. 14.03.1988 14. März 1988-03-14 DE89 3704 0044 0532
	0130 00 DE89370400440532013000 86095742719 86 095 742 719 21/815/08150 L01X00T471 15070649C103 Tel.: 0711/123456 +49 a@b.de @ << P<D<<X
	Hauptstraße 5 77999 Tannberg B-AB 1234 Az.: WG-2026/0815 „Größe“ – § 5 Mit freundlichen Grüßen katholisch Sie ist . , ; : \ " { } 🙂 ` +
	"\u00A0 \u00AD \xff \xc3 \n")

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(40) {
		b.WriteString(fragments[r.IntN(len(fragments))])
		b.WriteString([]string{" ", " ", " ", "", "\n", ", "}[r.IntN(6)])
	}
	return b.String()
}

// checkScreening verifies what holds for every screening of every text.
func checkScreening(t *testing.T, sc *screen.Screener, texts []string) {
	t.Helper()
	a, err := sc.Screen(context.Background(), texts, caseEntities)
	if err != nil {
		t.Fatal(err)
	}
	last := gateway.Finding{Text: -1}
	for _, f := range a.Findings() {
		if f.Text < last.Text || f.Text >= len(texts) || f.Text == last.Text && f.Start < last.End {
			t.Fatalf("%v after %v: out of order or overlapping in %q", f, last, texts)
		}
		text := texts[f.Text]
		if f.Start < 0 || f.End > len(text) || f.Start >= f.End {
			t.Fatalf("%v out of range in %q", f, text)
		}
		if utf8.ValidString(text) && (!utf8.RuneStart(text[f.Start]) || f.End < len(text) && !utf8.RuneStart(text[f.End])) {
			t.Fatalf("%v cuts a rune in %q", f, text)
		}
		last = f
	}
	if n := a.Summary().Total(); n != len(a.Findings()) {
		t.Fatalf("the summary counts %d findings, there are %d", n, len(a.Findings()))
	}
	b, err := sc.Screen(context.Background(), texts, caseEntities)
	if err != nil {
		t.Fatal(err)
	}
	outA, restorer := a.Pseudonymise()
	outB, _ := b.Pseudonymise()
	if fmt.Sprint(a.Findings(), a.Summary(), outA) != fmt.Sprint(b.Findings(), b.Summary(), outB) {
		t.Fatalf("two screenings of %q differ", texts)
	}
	if count := restoreAll(restorer, outA); count < len(a.Findings()) {
		t.Fatalf("%d findings, %d placeholders restored in %q", len(a.Findings()), count, outA)
	}
}

func restoreAll(r gateway.Restorer, texts []string) int {
	count := 0
	for _, text := range texts {
		_, n := r.Restore(text, false)
		count += n
	}
	return count
}

func TestScreeningProperties(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		checkScreening(t, sc, []string{randomText(r), randomText(r)})
	}
}

// JSON source stays JSON when it is masked and when it is restored.
func TestJSONStaysJSON(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 2000 {
		source, err := json.Marshal(map[string]string{"text": randomText(r), "name": randomText(r) + "\n" + randomText(r)})
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		if round%2 == 0 {
			text = escapeAll(text)
		}
		s, err := sc.Screen(context.Background(), []string{text}, caseEntities)
		if err != nil {
			t.Fatal(err)
		}
		out, restorer := s.Pseudonymise()
		back, _ := restorer.Restore(out[0], true)
		if !json.Valid([]byte(out[0])) || !json.Valid([]byte(back)) {
			t.Fatalf("no longer JSON:\nsource   %s\nmasked   %s\nrestored %s", text, out[0], back)
		}
	}
}

// escapeAll writes everything outside ASCII as \uXXXX, as many clients do.
func escapeAll(v string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(v)) {
		if unit < 0x80 {
			b.WriteByte(byte(unit))
			continue
		}
		fmt.Fprintf(&b, "\\u%04x", unit)
	}
	return b.String()
}

func FuzzScreen(f *testing.F) {
	f.Add("Frau Müller, DE89 3704 0044 0532 0130 00", "Tel. 0711/123456")
	f.Add("\xff\xc3@\xe2\x80 <<\n", "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<")
	f.Add("geb. 14.03.88 Az.: 1-2/3 B-AB 12E 5a Str. 7", "i. A. Mit freundlichen Grüßen\n\nX")
	sc := newScreener(f)
	f.Fuzz(func(t *testing.T, a, b string) { checkScreening(t, sc, []string{a, b}) })
}

// Slow oracles: everything that is an IBAN or an e-mail address by a plain
// regular expression and arbitrary-precision arithmetic must be found.
var (
	oracleIBAN  = regexp.MustCompile(`\bDE\d{2}(?: ?\d{4}){4} ?\d{2}\b`)
	oracleEmail = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z]{2,})+`)
)

func validByBigInt(iban string) bool {
	s := strings.ReplaceAll(iban, " ", "")
	n, ok := new(big.Int).SetString(s[4:]+"1314"+s[2:4], 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

func TestOracles(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	r := rand.New(rand.NewPCG(3, 4))
	ibans, emails := 0, 0
	for range 2000 {
		text := oracleText(r)
		s, err := sc.Screen(context.Background(), []string{text}, nil)
		if err != nil {
			t.Fatal(err)
		}
		covered := func(start, end int, kind gateway.FindingKind) bool {
			for _, f := range s.Findings() {
				if f.Kind == kind && f.Start <= start && f.End >= end {
					return true
				}
			}
			return false
		}
		for _, m := range oracleIBAN.FindAllStringIndex(text, -1) {
			if validByBigInt(text[m[0]:m[1]]) {
				ibans++
				if !covered(m[0], m[1], screen.KindIBAN) {
					t.Fatalf("IBAN %q missed in %q", text[m[0]:m[1]], text)
				}
			}
		}
		for _, f := range s.Findings() {
			if f.Kind == screen.KindIBAN && f.Validated && !validByBigInt(text[f.Start:f.End]) {
				t.Fatalf("%q is no valid IBAN", text[f.Start:f.End])
			}
		}
		for _, m := range oracleEmail.FindAllStringIndex(text, -1) {
			emails++
			if !covered(m[0], m[1], screen.KindEmail) {
				t.Fatalf("e-mail %q missed in %q", text[m[0]:m[1]], text)
			}
		}
	}
	if ibans < 200 || emails < 200 {
		t.Fatalf("the oracle saw only %d IBANs and %d e-mail addresses", ibans, emails)
	}
}

// oracleText mixes prose with IBANs, half of them valid, and e-mail addresses.
func oracleText(r *rand.Rand) string {
	var b strings.Builder
	for range 6 {
		switch r.IntN(3) {
		case 0:
			body := fmt.Sprintf("%09d%09d", r.IntN(1e9), r.IntN(1e9))
			n, _ := new(big.Int).SetString(body+"131400", 10)
			check := 98 - new(big.Int).Mod(n, big.NewInt(97)).Int64()
			if r.IntN(2) == 0 {
				check = 2 + r.Int64N(97)
			}
			iban := fmt.Sprintf("DE%02d%s", check, body)
			if r.IntN(2) == 0 {
				iban = iban[:4] + " " + iban[4:8] + " " + iban[8:12] + " " + iban[12:16] + " " + iban[16:20] + " " + iban[20:]
			}
			b.WriteString("Konto " + iban + ", ")
		case 1:
			fmt.Fprintf(&b, "Mail x%d.y-%c@host-%d.example.de; ", r.IntN(99), 'a'+rune(r.IntN(26)), r.IntN(9))
		default:
			b.WriteString("Der Bescheid ergeht am 3. Mai 2026 über 120,00 Euro. ")
		}
	}
	return b.String()
}

func TestLimits(t *testing.T) {
	t.Parallel()
	sc, err := screen.New(screen.Config{MaxTextBytes: 200, MaxFindings: 2, MaxEntities: 1})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		texts      []string
		known      []gateway.Entity
	}{
		{"text", "texts", []string{strings.Repeat("a", 150), strings.Repeat("b", 51)}, nil},
		{"findings", "findings", []string{"a@b.de c@d.de e@f.de"}, nil},
		{"entities", "case_entities", nil, []gateway.Entity{person("A", "B"), person("C", "D")}},
		{"entity", "case_entities[0]", nil, []gateway.Entity{person("", strings.Repeat("x", 2000))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := sc.Screen(context.Background(), tt.texts, tt.known)
			var e *gateway.Error
			if !errors.As(err, &e) || e.Code != gateway.CodeTooLarge || e.Path != tt.path {
				t.Fatalf("got %v, want too_large at %s", err, tt.path)
			}
		})
	}
	if _, err := screen.New(screen.Config{MaxFindings: -1}); err == nil {
		t.Error("a negative limit was accepted")
	}
}

// Repeated patterns must not make the work grow faster than the text.
func TestHostileRepetition(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	for _, pattern := range []string{
		"@", "a@b.de@", "<<", "0 ", "1.1.", "Grüßen\n", "Frau ", "A-", "Müller ", "Müller, ", "{\\u00fc", "Anna krank. ", "krank ",
		"geb. 1.1.1990 ", "Az. 1-", "DE89 ", "Am ", "B-AB 1 ", "\u00AD", "Dr. ", "von ", "[PERSON_1 ",
	} {
		text := strings.Repeat(pattern, (512<<10)/len(pattern))
		start := time.Now()
		s, err := sc.Screen(context.Background(), []string{text}, caseEntities)
		if err != nil && gateway.CodeOf(err) != gateway.CodeTooLarge {
			t.Fatal(err)
		}
		if err == nil {
			out, r := s.Pseudonymise()
			r.Restore(out[0], false)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("512 KB of %q took %v", pattern, d)
		} else if d > 500*time.Millisecond {
			t.Logf("512 KB of %q took %v", pattern, d)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newScreener(t).Screen(ctx, []string{"Text"}, nil); gateway.CodeOf(err) != gateway.CodeCancelled {
		t.Fatalf("got %v, want cancelled", err)
	}
}

func TestConfiguredWords(t *testing.T) {
	t.Parallel()
	sc, err := screen.New(screen.Config{FileNumberLabels: []string{"Hundemarkennummer"}, FirstNames: []string{"Xanthippe"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sc.Screen(context.Background(), []string{"Hundemarkennummer: 4711-08, Xanthippe Quandt"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := s.Pseudonymise()
	if want := "Hundemarkennummer: [FILE_NUMBER_1], [PERSON_1]"; out[0] != want {
		t.Fatalf("got %q, want %q", out[0], want)
	}
}
