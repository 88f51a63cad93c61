// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenBatch is how many texts one line of a golden file stands for.
const goldenBatch = 25

// goldenCase is one request of the differential test.
type goldenCase struct {
	texts []string
	known []gateway.Entity
}

// goldenSum is everything a caller can see of a screening: findings, summary,
// masked texts, and what comes back whole and in pieces.
func goldenSum(t testing.TB, h hash.Hash, sc gateway.Screener, c goldenCase) {
	t.Helper()
	s, err := sc.Screen(context.Background(), c.texts, c.known)
	if err != nil {
		t.Fatal(err)
	}
	out, r := s.Pseudonymise()
	fmt.Fprintln(h, s.Findings(), s.Summary())
	for i, text := range out {
		whole, n := r.Restore(text, i%2 == 1)
		fmt.Fprintln(h, text, whole, n)
		st := r.Stream(i%2 == 1)
		for from := 0; from < len(text); from += 5 {
			fmt.Fprint(h, st.Write(text[from:min(len(text), from+5)]), "|")
		}
		fmt.Fprintln(h, st.Flush(), st.Count())
	}
}

// compareGolden compares the batches of cases with a recorded file.
func compareGolden(t *testing.T, name string, cases []goldenCase) {
	t.Helper()
	sc := plainScreener(t)
	var got strings.Builder
	for from := 0; from < len(cases); from += goldenBatch {
		h := sha256.New()
		for _, c := range cases[from:min(len(cases), from+goldenBatch)] {
			goldenSum(t, h, sc, c)
		}
		got.WriteString(hex.EncodeToString(h.Sum(nil)[:12]) + "\n")
	}
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	have, recorded := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	if len(have) != len(recorded) {
		t.Fatalf("%d batches, %d are recorded", len(have), len(recorded))
	}
	for i := range have {
		if have[i] != recorded[i] {
			t.Errorf("%s: the cases from %d on are screened differently than recorded", name, i*goldenBatch)
		}
	}
}

// goldenPieces are parts of letters and forms, with all that the recognisers
// look at and all that disturbs them.
var goldenPieces = append(strings.Split(`Sehr geehrte Frau |Sehr geehrter Herr Dr. |Herr |Herrn Prof. Dr. |Familie |Liebe |Hallo |gez. |i. A. |Mit freundlichen Grüßen

|Müller|Müllers|Mueller|MÜLLER|Erika Müller|Müller, Erika|Erika Mustermann|Max Richter|der Richter|Richters|Jonas Achterberg|Achterberg|Achterbergs|Ludwig van Beethoven|
von der Leyen|Karl-Heinz Meyer-Landrut|El Khatib|Şükrü Yılmaz|Łukasz|René|M. Weber|Weber|Anna|Peter Schmidt|Schmidt|Petra Schmidt|Maria Garcia-Lopez|Name: |Vorname: |
Nachname	|Familienname
|Antragsteller: |Kontoinhaber: |"vorname": "|"Name":"|geb. |geboren am |* |Geburtsdatum: |14.03.1988|14. März 1988|1988-03-14|14.3.88|17/05/1990|1990-05-17T10:00|5. Mai |IBAN: |
DE89 3704 0044 0532 0130 00|DE89370400440532013000|DE88370400440532013000|AT611904300234573201|GB29 NWBK 6016 1331 9268 19|BIC: COBADEFFXXX|86095742719|86 095 742 719|
Steuer-ID 12345678903|Steuernummer 21/815/08150|66815/08156|053 815 08158|2866081508156|USt-IdNr. DE136695976|DE 136 695 976|DE123456788-00001|15 070649 C 103|15070649C103|A000500015|A 000 500 015|
KVNR A123456789|L01X00T471|Ausweis L01X00T47|Reisepass C01X00T47|1220001297D|B072RRE2I55|Tel.: 0711/12345-67|0711 123456|+49 711 123456|0049711123456|+49 (0) 171 1234567|(0711) 12 34 56|Fax 12345|
a@b.de|erika.müller@example.org|x@y|"mail":"\nfoo@example.de"|P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<|IDD<<L01X00T471<<<<<<<<<<<<<<<|Hauptstraße 5|Hauptstr. 5 a|Hauptstrasse 12-14|Am Markt 3|
An der Alten Post 7|Stuttgarter Straße 12|Konrad-Adenauer-Allee 1|Rechtsweg 3|Bahnhofplatz 2|Lindenhof 4|77999 Tannberg|D-70173 Stuttgart|72574 Bad Urach|12345 Euro|PLZ 12345 Xyz|B-AB 1234|S-AB 12E|
Kennzeichen B AB 123|V ZR 187/05|DIN EN 301|TÜ-XY 99|Az.: WG-2026/0815|Aktenzeichen 4 C 5.18|Kassenzeichen: 1234.5678.90|Kundennummer 123A456789|12345//0001234|4111 1111 1111 1111|Kreditkarte 4111111111111112|
DE98ZZZ09999999999|192.168.10.1|Version 7.2.11.4|10.0.0.1|IP 1.2.3.4|839,00 Euro|§ 28 Abs. 1 VwVfG|Der Antragsteller ist schwerbehindert.|Ich bin katholisch.|Sie leidet an Krebs.|Er ist Mitglied der Gewerkschaft.|
Die Krankenkasse zahlt.|Der Bescheid ergeht am 3. Mai 2026 über 120,00 Euro.|Die Höhe der Miete beträgt 839,00 Euro monatlich.|Kind|Wohngeld|M\u00fcller|\u00fcber|\n|\t|\"|\\|{|}|[|]|[PERSON_1]|[IBAN_2]|PERSON_3|[DATE_OF_BIRTH_1_1988]|date-of-birth 4|
„Größe“|–|•|🙂|é|ǅ|日本|ά|`, "|"), "\u00AD", "\u00A0", "\u200B", "\xff", "\xc3", "\xe2\x80", "a\u0308", "\u202F", "|")

func goldenText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(60) {
		b.WriteString(goldenPieces[r.IntN(len(goldenPieces))])
		b.WriteString([]string{" ", " ", " ", " ", "", "\n", ", ", ". ", "-", "/", "\n\n", ": ", "  "}[r.IntN(13)])
	}
	text := b.String()
	switch r.IntN(12) {
	case 0:
		return strings.ToUpper(text)
	case 1:
		return jsonSource(map[string]string{"text": strings.ToValidUTF8(text, "?")})
	case 2:
		return escapeAll(jsonSource([]string{strings.ToValidUTF8(text, "?")}))
	case 3:
		return text[:r.IntN(len(text)+1)]
	}
	return text
}

func jsonSource(v any) string {
	source, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and maps of texts are always JSON
	}
	return string(source)
}

// goldenEntities are the cases the texts belong to.
var goldenEntities = [][]gateway.Entity{
	nil, caseEntities,
	{
		{Type: "person", Value: "Dr. Ludwig van Beethoven"},
		{Type: "person", First: "Karl-Heinz", Last: "Meyer-Landrut", BirthName: "Weber"},
		{Type: "person", Value: "Peters, Şükrü"},
		{Type: "email", Value: "erika.müller@example.org"},
		{Type: "iban", Value: "DE88 3704 0044 0532 0130 00"},
		{Type: "address", Value: "Am Markt 3\n72574 Bad Urach"},
		{Type: "other", Value: "123A456789"},
		{Type: "date_of_birth", Value: "14.3.88"},
		{Type: "phone", Value: "+49 171 1234567"},
		{Type: "person", First: "Anna"},
		{Type: "person", Last: "Mueller"},
		{Type: "person"},
	},
}

func TestGoldenGenerated(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	cases := make([]goldenCase, 4000)
	for i := range cases {
		cases[i].known = goldenEntities[r.IntN(len(goldenEntities))]
		for range 1 + r.IntN(3) {
			text := goldenText(r)
			if r.IntN(4) == 0 {
				text = randomText(r)
			}
			cases[i].texts = append(cases[i].texts, text)
		}
	}
	compareGolden(t, "generated", cases)
}

func TestGoldenLetters(t *testing.T) {
	t.Parallel()
	text := benchText()
	var cases []goldenCase
	for from := 0; from+900 < len(text); from += 611 {
		for _, known := range goldenEntities {
			cases = append(cases, goldenCase{[]string{text[from : from+900], text[:from/8]}, known})
		}
	}
	cases = append(cases, goldenCase{[]string{text}, caseEntities})
	compareGolden(t, "letters", cases)
}

func TestGoldenCorpora(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ler_dev", "germeval2014_dev"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cases []goldenCase
			var last string
			for i, line := range readSentences(t, "pii/"+name+".jsonl") {
				c := goldenCase{texts: []string{line.Text, last}}
				if sp := append(line.spansOf("PER"), line.spansOf("LOC")...); len(sp) > 0 && i%2 == 0 {
					c.known = []gateway.Entity{{Type: "person", Value: line.Text[sp[0][0]:sp[0][1]]}}
				}
				cases = append(cases, c)
				last = line.Text
			}
			compareGolden(t, name, cases)
		})
	}
}
