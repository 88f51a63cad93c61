// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/norms"
)

func TestDefaultRegisterIsWhole(t *testing.T) {
	t.Parallel()
	r := norms.Default()
	if n := len(r.Statutes()); n < 30 {
		t.Fatalf("the embedded register has %d statutes; one of its tables did not load", n)
	}
	sections := 0
	for _, s := range r.Statutes() {
		sections += len(s.Entries)
		if s.Source == "" || s.Title == "" {
			t.Errorf("%s has no source or title", s.Abbr)
		}
	}
	if sections < 1900 {
		t.Errorf("the embedded register has %d sections, want at least 1900", sections)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text    string
		problem norms.Problem // empty: exists
		message string
	}{
		{"§ 66 Abs. 3 SGB I", "", ""},
		{"§ 60 Abs. 1 Nr. 3 SGB I", "", ""},
		{"§ 67 SGB I", "", ""},
		{"§ 45 Abs. 1b Nr. 2a StVO", "", ""},
		{"§ 25 Abs. 2 WoGG", "", ""},
		{"§ 24 Absatz 1 Satz 3 VwVfG", "", ""},
		{"Art. 13 DSGVO", "", ""},
		{"Art. 6 Abs. 1 Buchst. e DSGVO", "", ""},
		{"Art. 5 Abs. 1 lit. c KI-VO", "", ""},
		{"Anhang III KI-VO", "", ""},
		{"§ 193 BGB", "", ""},
		{"§ 6 Abs. 1 FeV", "", ""},
		{"§ 66 Abs. 9 SGB I", norms.ProblemNoParagraph, "existiert nicht: § 66 Abs. 9 SGB I – der Paragraf hat 3 Absätze"},
		{"§ 67 Abs. 1 SGB I", norms.ProblemNoParagraph, "existiert nicht: § 67 Abs. 1 SGB I – der Paragraf hat keine Absätze"},
		{"§ 1 Abs. 1 Satz 2 GewAnzV", norms.ProblemNoParagraph, "existiert nicht: § 1 Abs. 1 GewAnzV – der Paragraf hat keine Absätze"},
		{"§ 166 SGB I", norms.ProblemNoSection, "existiert nicht: § 166 SGB I"},
		{"Art. 66 SGB I", norms.ProblemNoSection, "existiert nicht: Art. 66 SGB I"},
		{"§ 13 DSGVO", norms.ProblemNoSection, "existiert nicht: § 13 DSGVO"},
		{"§ 223 AO", norms.ProblemRepealed, "weggefallen: § 223 AO"},
		{"§ 3 HBauStatG", norms.ProblemUnknownLaw, "nicht im Normenregister: HBauStatG"},
		{"§ 66 Abs. 3", norms.ProblemNoLaw, "Gesetz fehlt: § 66 Abs. 3"},
		{"§ 1600d BGB", norms.ProblemNotConfirmed, "nicht bestätigt: § 1600d BGB – das Register kennt dieses Gesetz nicht vollständig"},
		{"Art. 100 DSGVO", norms.ProblemNoSection, "existiert nicht: Art. 100 DSGVO"},
		{"§ 54 Abs. 4 LBO", norms.ProblemNotConfirmed, "nicht bestätigt: § 54 Abs. 4 LBO – das Register kennt die Absätze nicht vollständig"},
	}
	for _, tc := range cases {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			found := norms.ParseCitations(tc.text)
			if len(found) != 1 {
				t.Fatalf("found %d citations in %q, want 1: %v", len(found), tc.text, found)
			}
			err := norms.Default().Lookup(found[0])
			if tc.problem == "" {
				if err != nil {
					t.Fatalf("Lookup(%s) = %v, want it to exist", tc.text, err)
				}
				return
			}
			var lookup *norms.LookupError
			if !errors.As(err, &lookup) || lookup.Problem != tc.problem || lookup.Message != tc.message {
				t.Errorf("Lookup(%s) = %v, want %s: %s", tc.text, err, tc.problem, tc.message)
			}
		})
	}
}

func TestTableRoundTrip(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	if err := norms.Default().Encode(&first); err != nil {
		t.Fatal(err)
	}
	again, err := norms.Decode(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Encode(&second); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("a decoded and encoded register differs from the original")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"section first":   "60\tAngabe\t1-2\n",
		"short statute":   "@SGB I\t\t§\n",
		"unknown unit":    "@SGB I\t\tTeil\t\tverified\tq\tt\n",
		"endless range":   "@SGB I\t\t§\t\tverified\tq\tt\n60\tx\t1-999999\n",
		"backward range":  "@SGB I\t\t§\t\tverified\tq\tt\n60\tx\t3-1\n",
		"label not legal": "@SGB I\t\t§\t\tverified\tq\tt\n60\tx\tabc\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := norms.Decode(strings.NewReader(table)); err == nil {
				t.Error("the damaged table was accepted")
			}
		})
	}
}

func TestMergeTakesTheNewerStand(t *testing.T) {
	t.Parallel()
	newer := decode(t, "@SGB I\t\t§\t2030-01-01\tverified\timportiert\tneu\n66\tFolgen\t1-9\n")
	older := decode(t, "@SGB I\t\t§\t1999-01-01\tverified\timportiert\talt\n66\tFolgen\t1\n")
	nine := norms.ParseCitations("§ 66 Abs. 9 SGB 1")[0]
	if err := norms.Default().Merge(newer).Lookup(nine); err != nil {
		t.Errorf("after importing a newer statute: %v", err)
	}
	if err := norms.Default().Merge(older).Lookup(nine); err == nil {
		t.Error("an older import replaced the embedded facts")
	}
	whole := decode(t, "@BGB\t\t§\t2019-01-01\tverified\timportiert\tganz\n1600d\tVaterschaft\t1-5\n")
	if err := norms.Default().Merge(whole).Lookup(norms.ParseCitations("§ 1600d Abs. 2 BGB")[0]); err != nil {
		t.Errorf("a whole statute did not replace a partial one: %v", err)
	}
	if err := newer.Merge(norms.Default()).Lookup(nine); err != nil {
		t.Errorf("order of merging matters: %v", err)
	}
}

func decode(t *testing.T, table string) *norms.Register {
	t.Helper()
	r, err := norms.Decode(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
