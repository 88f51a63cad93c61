// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/norms"
)

func TestParseCitations(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want string }{
		{"§ 60 Abs. 1 Nr. 3 SGB I", "§ 60 Abs. 1 Nr. 3 SGB I"},
		{"§§ 9, 23 Abs. 3 WoGG", "§ 9 WoGG | § 23 Abs. 3 WoGG"},
		{"§§ 14, 15, 23 Abs. 2 WoGG", "§ 14 WoGG | § 15 WoGG | § 23 Abs. 2 WoGG"},
		{"§ 24 Absatz 1 Satz 3 VwVfG", "§ 24 Abs. 1 Satz 3 VwVfG"},
		{"§ 17 Nr. 1 Buchst. b WoGG", "§ 17 Nr. 1 Buchst. b WoGG"},
		{"§ 45 Abs. 1b Nr. 2a StVO", "§ 45 Abs. 1b Nr. 2a StVO"},
		{"Art. 6 Abs. 1 Buchst. e DSGVO", "Art. 6 Abs. 1 Buchst. e DSGVO"},
		{"Art. 6 Abs. 1 UAbs. 1 Buchst. e DS-GVO", "Art. 6 Abs. 1 UAbs. 1 Buchst. e DSGVO"},
		{"Art. 5 Abs. 1 lit. c KI-VO", "Art. 5 Abs. 1 Buchst. c KI-VO"},
		{"BMG § 21", "§ 21 BMG"},
		{"§ 66 (3) SGB I", "§ 66 Abs. 3 SGB I"},
		{"§ 66 Abs. 1 und 3 SGB I", "§ 66 Abs. 1 SGB I | § 66 Abs. 3 SGB I"},
		{"§ 37 SGB 10", "§ 37 SGB X"},
		{"§ 37 SGB-X.", "§ 37 SGB X"},
		{"§ 7 SGB II", "§ 7 SGB II"},
		{"§§ 187 bis 193 BGB", "§ 187 BGB | § 193 BGB"},
		{"§§ 187–193 BGB", "§ 187 BGB | § 193 BGB"},
		{"§ 12 Abs. 3–5 FeV", "§ 12 Abs. 3 FeV | § 12 Abs. 5 FeV"},
		{"§ 23 Abs. 1 Satz 3, § 27 Abs. 3 WoGG", "§ 23 Abs. 1 Satz 3 WoGG | § 27 Abs. 3 WoGG"},
		{"§ 60 Abs. 1 Nr. 3 SGB I; §§ 9, 23 Abs. 3 WoGG", "§ 60 Abs. 1 Nr. 3 SGB I | § 9 WoGG | § 23 Abs. 3 WoGG"},
		{"§ 58 Abs. 1a LBO i.V.m. § 42a LVwVfG", "§ 58 Abs. 1a LBO | § 42a LVwVfG"},
		{"§ 48a Abs. 2, 5 FeV", "§ 48a Abs. 2 FeV | § 48a Abs. 5 FeV"},
		{"§ 48a Abs. 5 Nr. 1 und Nr. 2 FeV", "§ 48a Abs. 5 Nr. 1 FeV | § 48a Abs. 5 Nr. 2 FeV"},
		{"§§ 33c, 33i, 34, 34a GewO; § 15 Abs. 2 GewO", "§ 33c GewO | § 33i GewO | § 34 GewO | § 34a GewO | § 15 Abs. 2 GewO"},
		{"§ 9 Abs. 3 KAG BW", "§ 9 Abs. 3 KAG BW"},
		{"§ 56 LBO BW, § 31 BauGB", "§ 56 LBO | § 31 BauGB"},
		{"nach § 14 der Gewerbeordnung", "§ 14 GewO"},
		{"§ 25 Abs. 2 des Wohngeldgesetzes gilt", "§ 25 Abs. 2 WoGG"},
		{"§ 66 des Ersten Buches Sozialgesetzbuch", "§ 66 SGB I"},
		{"Artikel 13 Absatz 1 Buchstabe e der Verordnung (EU) 2016/679 über", "Art. 13 Abs. 1 Buchst. e DSGVO"},
		{"Anhang III Nr. 5 Buchst. a KI-VO", "Anhang III Nr. 5 Buchst. a KI-VO"},
		{"Anlage 1 GewAnzV", "Anlage 1 GewAnzV"},
		{"Anlage 1: Merkblatt", ""},
		{"Art der Unterkunft, Artikelnummer 5", ""},
		{"§ 66 Abs. 3, 12 Monate lang", "§ 66 Abs. 3"},
		{"§ 60 ff. SGB I", "§ 60 SGB I"},
		{"§\u00a060\u00a0Abs.\u00a01\u00a0SGB\u00a0I", "§ 60 Abs. 1 SGB I"},
		{"§ 60 Abs.1 SGB I", "§ 60 Abs. 1 SGB I"},
		{"§60 SGB I", "§ 60 SGB I"},
		{"(§ 67 SGB I)", "§ 67 SGB I"},
		{"§ ", ""},
		{"§§§§", ""},
		{"", ""},
	}
	for _, tc := range cases {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range norms.ParseCitations(tc.text) {
				got = append(got, c.String())
				if tc.text[c.Start:c.End] != c.Text {
					t.Errorf("span %d–%d is %q, Text is %q", c.Start, c.End, tc.text[c.Start:c.End], c.Text)
				}
			}
			if joined := strings.Join(got, " | "); joined != tc.want {
				t.Errorf("ParseCitations(%q)\n got %s\nwant %s", tc.text, joined, tc.want)
			}
		})
	}
}

// notFederal are bases of the services that are no norm of a registered statute.
func notFederal() map[string]string {
	return map[string]string{
		"Satzung": "local law", "Satzung (z. B. Meßstetten)": "local law", "örtliche Regelung": "local law",
		"Landesrecht prüfen)": "remark", "Praxis": "no norm", "Logik": "no norm", "Nutzungsvorgaben ViBa BW": "no norm", "Gaststättenrecht": "no norm",
		"HBauStatG":                            "statute without §",
		"VwV-StVO zu § 45 (nicht verifiziert)": "administrative regulation",
	}
}

func TestBasesOfTheServicesResolve(t *testing.T) {
	t.Parallel()
	r := norms.Default()
	bases := serviceBases(t)
	resolved, unresolved := 0, map[string]string{}
	for _, basis := range bases {
		for part := range strings.SplitSeq(basis, ";") {
			part = strings.TrimSpace(part)
			if _, known := notFederal()[part]; known {
				unresolved[part] = notFederal()[part]
				continue
			}
			found := r.Parse(part)
			if len(found) == 0 {
				t.Errorf("no citation found in %q", part)
			}
			for _, c := range found {
				if err := r.Lookup(c); err != nil {
					t.Errorf("%q: %v", part, err)
					continue
				}
				resolved++
			}
		}
	}
	if resolved < 100 {
		t.Errorf("only %d citations resolved", resolved)
	}
	var list []string
	for part, why := range unresolved {
		list = append(list, part+" ("+why+")")
	}
	sort.Strings(list)
	t.Logf("%d bases, %d citations resolved; no norm of a registered statute: %s", len(bases), resolved, strings.Join(list, "; "))
}

func serviceBases(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(sharedData(t), "services", "*.json"))
	if len(files) == 0 {
		t.Skip("no service definitions found; set SCHLEUSE_DATA")
	}
	var bases []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(data, &tree); err != nil {
			t.Fatal(err)
		}
		bases = collectBases(tree, bases)
	}
	return bases
}

func collectBases(node any, list []string) []string {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if s, ok := value.(string); ok && key == "basis" {
				list = append(list, s)
				continue
			}
			list = collectBases(value, list)
		}
	case []any:
		for _, value := range n {
			list = collectBases(value, list)
		}
	}
	return list
}

// sharedData is the folder with test data outside of the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("SCHLEUSE_DATA"); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("shared data not found; set SCHLEUSE_DATA")
	}
	return dir
}

func FuzzParseCitations(f *testing.F) {
	for _, seed := range []string{"§§ 9, 23 Abs. 3 WoGG", "Art. 6 Abs. 1 UAbs. 1 Buchst. e DSGVO", "BMG § 21", "§ 12 Abs. 3–5 FeV; Anhang III KI-VO", "§§§ , und – Abs. \xff\xfe § 1 des des der", "§ 1 SGB X SGB § 2 Verordnung (EU) 2016/679"} {
		f.Add(seed)
	}
	r := norms.Default()
	f.Fuzz(func(t *testing.T, text string) {
		last := -1
		for _, c := range r.Parse(text) {
			if c.Start < 0 || c.End > len(text) || c.Start >= c.End || text[c.Start:c.End] != c.Text {
				t.Fatalf("span %d–%d of %q is not %q", c.Start, c.End, text, c.Text)
			}
			if c.End <= last {
				t.Fatalf("citations of %q are not in order", text)
			}
			last = c.End
			if c.Section == "" {
				t.Fatalf("citation without number in %q", text)
			}
			_ = r.Lookup(c)
		}
	})
}

func BenchmarkParseCitations(b *testing.B) {
	text := strings.Repeat("Nach § 60 Abs. 1 Nr. 3 SGB I und §§ 9, 23 Abs. 3 WoGG müssen Sie die Miete nachweisen. Das ist ein gewöhnlicher Satz ohne jede Fundstelle, wie er in Schreiben meist vorkommt. ", 180)
	r := norms.Default()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if n := len(r.Parse(text)); n != 540 {
			b.Fatalf("found %d citations", n)
		}
	}
}
