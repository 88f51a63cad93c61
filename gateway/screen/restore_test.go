// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// restorerFor returns a restorer for a case with persons in all shapes and
// numbers: PERSON_1 Erika Müller, PERSON_2 Jan Fritz, IBAN_1, and a value that
// JSON has to escape.
func restorerFor(t testing.TB) gateway.Restorer {
	t.Helper()
	text := "Erika Müller und Jan Fritz, DE89370400440532013000, geb. 14.03.1988, Codename \"Ä\\X\" 77."
	known := []gateway.Entity{
		person("Erika", "Müller"), person("Jan", "Fritz"), {Type: "other", Value: `Ä\X" 77`},
	}
	out, r := screenText(t, text, known...).Pseudonymise()
	want := "[PERSON_1] und [PERSON_2], [IBAN_1], geb. [DATE_OF_BIRTH_1_1988], Codename \"[OTHER_1]."
	if out[0] != want {
		t.Fatalf("set-up: got %q want %q", out[0], want)
	}
	return r
}

func TestRestore(t *testing.T) {
	t.Parallel()
	r := restorerFor(t)
	tests := []struct {
		name, in, want string
		count          int
	}{
		{"plain", "An [PERSON_1], [IBAN_1]", "An Erika Müller, DE89370400440532013000", 2},
		{"after a title the surname", "die Frau [PERSON_1], Sehr geehrte Frau [PERSON_1], Herrn Dr. [PERSON_2]", "die Frau Müller, Sehr geehrte Frau Müller, Herrn Dr. Fritz", 3},
		{"genitive", "[PERSON_1]s Antrag und [PERSON_2]s Antrag", "Erika Müllers Antrag und Jan Fritz' Antrag", 2},
		{"genitive after a title", "Herrn [PERSON_2]s Antrag, Frau [PERSON_1]s", "Herrn Fritz' Antrag, Frau Müllers", 2},
		{"no genitive inside a word", "[PERSON_2]sche", "Jan Fritzsche", 1},
		{"changed case", "[person_1] [Person_1]", "Erika Müller Erika Müller", 2},
		{"dropped brackets", "PERSON_1, (PERSON_2) und [IBAN_1", "Erika Müller, (Jan Fritz) und DE89370400440532013000", 3},
		{"dropped left bracket", "PERSON_1] kommt", "Erika Müller kommt", 1},
		{"other separator", "[PERSON 1] [PERSON-2] [PERSON\\_1]", "Erika Müller Jan Fritz Erika Müller", 3},
		{"ordinary words stay", "Person 1, PERSON 1, XPERSON_1, PERSON_1a, PERSON_12", "Person 1, PERSON 1, XPERSON_1, PERSON_1a, PERSON_12", 0},
		{"unknown stays", "[PERSON_9] [IBAN_11] [EMAIL_1]", "[PERSON_9] [IBAN_11] [EMAIL_1]", 0},
		{"own labels of a model stay", "Mitarbeiter 1 an Platz 1", "Mitarbeiter 1 an Platz 1", 0},
		{"year kept", "[DATE_OF_BIRTH_1_1988] oder [DATE_OF_BIRTH_1]", "14.03.1988 oder 14.03.1988", 2},
		{"half a placeholder at the end", "[PERSON_", "[PERSON_", 0},
		{"adjacent", "[PERSON_1][PERSON_2]", "Erika MüllerJan Fritz", 2},
		{"quoted", "'[PERSON_1]'", "'Erika Müller'", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, n := r.Restore(tt.in, false)
			if got != tt.want || n != tt.count {
				t.Errorf("restored %d\n got %q\nwant %d\n     %q", n, got, tt.count, tt.want)
			}
		})
	}
}

// Tool-call arguments are JSON source: what is put in must be escaped, and an
// escape before a bare tag is no letter.
func TestRestoreInJSON(t *testing.T) {
	t.Parallel()
	r := restorerFor(t)
	got, n := r.Restore(`{"name":"[PERSON_1]","code":"[OTHER_1]","text":"Zeile\nPERSON_2"}`, true)
	var v map[string]string
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatalf("restored arguments are no JSON: %v in %s", err, got)
	}
	want := map[string]string{"name": "Erika Müller", "code": `Ä\X" 77`, "text": "Zeile\nJan Fritz"}
	if fmt.Sprint(v) != fmt.Sprint(want) || n != 3 {
		t.Fatalf("restored %d %v, want 3 %v", n, v, want)
	}
}

// Arguments of earlier tool calls go to the model as well, often with every
// letter outside ASCII escaped.
func TestJSONSourceIsScreened(t *testing.T) {
	t.Parallel()
	text := `{"text":"Zeile\nM\u00fcller und \u00d6zt\u00fcrk","name":"Erika M\u00dcLLER"}`
	s := screenText(t, text, person("Erika", "Müller"), person("", "Öztürk"))
	out, r := s.Pseudonymise()
	if want := `{"text":"Zeile\n[PERSON_1] und [PERSON_2]","name":"[PERSON_1]"}`; out[0] != want {
		t.Fatalf("masked\n got %s\nwant %s", out[0], want)
	}
	if got, _ := r.Restore("Frau [PERSON_2]", false); got != "Frau Öztürk" {
		t.Fatalf("restored %q", got)
	}
}

// JSON source often stands in the middle of a text.
func TestJSONInsideText(t *testing.T) {
	t.Parallel()
	known := []gateway.Entity{person("Erika", "Müller"), person("Nora", "Özdemir")}
	tests := []struct{ name, in, want string }{
		{"line break", `Vorgang: {"a":"x\nMüller"}`, `Vorgang: {"a":"x\n[PERSON_1]"}`},
		{"blank line", `Vorgang: {"a":"x\n\nMüller"}`, `Vorgang: {"a":"x\n\n[PERSON_1]"}`},
		{"carriage return and tab", `Aus dem Protokoll: "\rMüller\tMüller"`, `Aus dem Protokoll: "\r[PERSON_1]\t[PERSON_1]"`},
		{"escaped letter in front", `Vorgang: {"a":"\u00d6zdemir"}`, `Vorgang: {"a":"[PERSON_1]"}`},
		{"escaped letter within", `Vorgang: {"a":"Erika M\u00fcller"}, Erika Müller`, `Vorgang: {"a":"[PERSON_1]"}, [PERSON_1]`},
		{"escaped blank", `Vorgang: {"a":"Frau\u00a0Müller\u00a0kam"}`, `Vorgang: {"a":"Frau\u00a0[PERSON_1]\u00a0kam"}`},
		{"number", `Vorgang: {"a":"Steuer-ID\n86095742719"}`, `Vorgang: {"a":"Steuer-ID\n[TAX_ID_1]"}`},
		{"e-mail", `Vorgang: {"a":"x\nerika@example.org"}`, `Vorgang: {"a":"x\n[EMAIL_1]"}`},
		{"label", `Vorgang: {"a":"x\nName: Bodo Achterberg"}`, `Vorgang: {"a":"x\nName: [PERSON_1]"}`},
		{"JSON within JSON", `Vorgang: "{\"a\":\"x\\nMüller\"}"`, `Vorgang: "{\"a\":\"x\\n[PERSON_1]\"}"`},
		{"path of a server", `Siehe \\Nora\Müller\neu.docx`, `Siehe \\[PERSON_1]\[PERSON_2]\neu.docx`},
		{"doubled backslash", `Vorgang: {"a":"C:\\Nora"}`, `Vorgang: {"a":"C:\\[PERSON_1]"}`},
		{"no escape", `Akten\umbau \Müller \`, `Akten\umbau \[PERSON_1] \`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, r := screenText(t, tt.in, known...).Pseudonymise()
			if out[0] != tt.want {
				t.Fatalf("masked\n got %s\nwant %s", out[0], tt.want)
			}
			if back, _ := r.Restore(out[0], false); back != unescaped.Replace(tt.in) && back != tt.in {
				t.Errorf("restored\n got %s\nwant %s", back, tt.in)
			}
		})
	}
}

var unescaped = strings.NewReplacer(`\u00d6`, "Ö", `\u00fc`, "ü")

// A model may write the bare tag behind an escape, whatever stands around it.
func TestRestoreBehindEscapes(t *testing.T) {
	t.Parallel()
	r := restorerFor(t)
	for in, want := range map[string]string{
		`Antwort: {"a":"x\nPERSON_2"}`:        `Antwort: {"a":"x\nJan Fritz"}`,
		`Antwort: "{\"a\":\"x\\nPERSON_2\"}"`: `Antwort: "{\"a\":\"x\\nJan Fritz\"}"`,
		`AntwortnPERSON_2`:                    `AntwortnPERSON_2`,
	} {
		if got, _ := r.Restore(in, false); got != want {
			t.Errorf("restored %s, want %s", got, want)
		}
	}
}

const streamSample = "Sehr geehrte Frau [PERSON_1], – „[PERSON_2]s“ Größe 🙂 PERSON_1; [PERSON_12] [IBAN_1] [DATE_OF_BIRTH_1_1988]\n" +
	"[PERSON_2]s [PERSON_2]sche person_2] [[PERSON_1]] [PERS [PERSON_ [IBAN 1] Äpfel \\nPERSON_1 \\\\nPERSON_1 ĞPERSON_1 §PERSON_1\u00A0Frau Dr. [PERSON_1] [OTHER_1]"

// Splitting at any byte, also inside a rune, must not change the result, and no
// released piece may end in half a rune.
func TestStreamSplittings(t *testing.T) {
	t.Parallel()
	r := restorerFor(t)
	for _, inJSON := range []bool{false, true} {
		want, count := r.Restore(streamSample, inJSON)
		rnd := rand.New(rand.NewPCG(7, 11))
		for round := range 1200 {
			s := r.Stream(inJSON)
			var got strings.Builder
			for rest := streamSample; rest != ""; {
				n := min(len(rest), 1+rnd.IntN(1+round%9))
				piece := s.Write(rest[:n])
				if !utf8.ValidString(piece) {
					t.Fatalf("round %d released half a rune: %q", round, piece)
				}
				got.WriteString(piece)
				rest = rest[n:]
			}
			got.WriteString(s.Flush())
			if got.String() != want || s.Count() != count {
				t.Fatalf("round %d, count %d:\n got %q\nwant %q (%d)", round, s.Count(), got.String(), want, count)
			}
		}
	}
}

// A stream holds back only what could still become a placeholder.
func TestStreamHoldsBackLittle(t *testing.T) {
	t.Parallel()
	s := restorerFor(t).Stream(false)
	steps := []struct{ piece, want string }{
		{"Guten Tag, Frau ", "Guten Tag, Frau "},
		{"[PER", ""},
		{"SON_1", ""},
		{"]", "Müller"},
		{" und [", " und "},
		{"x] Gr", "[x] Gr"},
		{"\xc3", ""},
		{"\xbc", "ü"},
		{"ße", "ße"},
	}
	for _, st := range steps {
		if got := s.Write(st.piece); got != st.want {
			t.Errorf("after %q released %q, want %q", st.piece, got, st.want)
		}
	}
	if rest := s.Flush(); rest != "" {
		t.Errorf("flush released %q, want nothing", rest)
	}
}

// One value, one tag; values containing other values or looking like patterns
// are never searched again (the chain Max → Otto Berger, Berger → Kaya).
func TestNoChainedReplacement(t *testing.T) {
	t.Parallel()
	text := "Max und Berger, Maximilian, (030) 5550123, [PERSON_1] steht wörtlich da."
	s := screenText(t, text, person("", "Max"), person("Otto", "Berger"))
	out, r := s.Pseudonymise()
	want := "[PERSON_2] und [PERSON_3], [PERSON_4], [PHONE_1], [PERSON_1] steht wörtlich da."
	if out[0] != want {
		t.Fatalf("masked\n got %q\nwant %q", out[0], want)
	}
	if back, _ := r.Restore(out[0], false); back != text {
		t.Fatalf("restored\n got %q\nwant %q", back, text)
	}
}

// What a text says of itself must not be taken for a placeholder of ours.
func TestTagsInTheTextAreSkipped(t *testing.T) {
	t.Parallel()
	for _, literal := range []string{"[IBAN_1]", "IBAN_1", "iban_1", "[Iban-1]", "IBAN 1"} {
		text := literal + " ist DE89370400440532013000"
		out, r := screenText(t, text).Pseudonymise()
		if want := literal + " ist [IBAN_2]"; out[0] != want {
			t.Errorf("masked %q, want %q", out[0], want)
		}
		if back, _ := r.Restore(out[0], false); back != text {
			t.Errorf("restored %q, want %q", back, text)
		}
	}
}

// The same value has the same tag in every text of a request: history, tool
// results, passages.
func TestSameTagInAllTexts(t *testing.T) {
	t.Parallel()
	texts := []string{"Herr Quandt, DE89370400440532013000", "", "{\"name\":\"Quandt\",\"iban\":\"DE89 3704 0044 0532 0130 00\"}", "Quandts Konto"}
	s, err := newScreener(t).Screen(context.Background(), texts, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := s.Pseudonymise()
	want := []string{"Herr [PERSON_1], [IBAN_1]", "", "{\"name\":\"[PERSON_1]\",\"iban\":\"[IBAN_1]\"}", "[PERSON_1]s Konto"}
	if fmt.Sprint(out) != fmt.Sprint(want) {
		t.Fatalf("masked\n got %q\nwant %q", out, want)
	}
}

// A surname keeps its particles; the answer of one turn, sent back in the next,
// gets the same tags again.
func TestSecondTurn(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	question := "Frau Eva von der Heide, DE89370400440532013000, fragt für Herrn Quandt."
	known := []gateway.Entity{person("Eva", "von der Heide")}
	first, err := sc.Screen(context.Background(), []string{question}, known)
	if err != nil {
		t.Fatal(err)
	}
	out, r := first.Pseudonymise()
	if want := "Frau [PERSON_1], [IBAN_1], fragt für Herrn [PERSON_2]."; out[0] != want {
		t.Fatalf("masked %q, want %q", out[0], want)
	}
	answer, _ := r.Restore("Sehr geehrte Frau [PERSON_1], Herr [PERSON_2] zahlt von [IBAN_1].", false)
	if want := "Sehr geehrte Frau von der Heide, Herr Quandt zahlt von DE89370400440532013000."; answer != want {
		t.Fatalf("answer %q, want %q", answer, want)
	}
	second, err := sc.Screen(context.Background(), []string{question, answer, "Und Quandt?"}, known)
	if err != nil {
		t.Fatal(err)
	}
	out, _ = second.Pseudonymise()
	if want := "Sehr geehrte Frau [PERSON_1], Herr [PERSON_2] zahlt von [IBAN_1].|Und [PERSON_2]?"; out[1]+"|"+out[2] != want {
		t.Fatalf("second turn %q, want %q", out[1]+"|"+out[2], want)
	}
}

// An echo of the masked text comes back as it was, whatever form of the name
// stands after a title.
func TestEchoComesBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Frau Erika Müller wohnt hier. Erika Müllers Antrag liegt vor.",
		"Frau Müller wohnt hier. Der Antrag von Erika Müller liegt vor.",
		"Müller schreibt. Müllers Antrag. Herr Müller fragt.",
		"Herr Dr. Jan Fritz, Jan Fritz' Hund, Tel. 0711/123456.",
		"Fritz und MÜLLER\nErika Weber",
	} {
		out, r := screenText(t, text, person("Erika", "Müller"), person("Jan", "Fritz")).Pseudonymise()
		back, _ := r.Restore(out[0], false)
		if strings.Contains(out[0], "ller") || back != text {
			t.Errorf("masked %q\nrestored %q\noriginal %q", out[0], back, text)
		}
	}
}

// Requests at the same time must never see each other's values.
func TestRequestsDoNotMix(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			last := "Zy" + strings.Repeat(string(rune('a'+g)), 4)
			for range 200 {
				text := "Herr " + last + " war da."
				s, err := sc.Screen(context.Background(), []string{text}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				out, r := s.Pseudonymise()
				if back, _ := r.Restore(out[0], false); out[0] != "Herr [PERSON_1] war da." || back != text {
					t.Errorf("masked %q, restored %q, want %q", out[0], back, text)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzStreamRestorer(f *testing.F) {
	f.Add(streamSample, uint8(3), false)
	f.Add("[PERSON_1]s\\nPERSON_2 \xc3\x28", uint8(1), true)
	r := restorerFor(f)
	f.Fuzz(func(t *testing.T, text string, step uint8, inJSON bool) {
		want, count := r.Restore(text, inJSON)
		s := r.Stream(inJSON)
		var got strings.Builder
		n := int(step%13) + 1
		for rest := text; rest != ""; {
			n := min(n, len(rest))
			got.WriteString(s.Write(rest[:n]))
			rest = rest[n:]
		}
		got.WriteString(s.Flush())
		if got.String() != want || s.Count() != count {
			t.Fatalf("in pieces of %d: %q (%d), in one piece: %q (%d)", n, got.String(), s.Count(), want, count)
		}
	})
}
