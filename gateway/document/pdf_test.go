// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

func TestPDFPassesOtherPrograms(t *testing.T) {
	t.Parallel()
	path := file(t, "l.pdf", render(t, document.WritePDF, sample()))
	t.Run("qpdf", func(t *testing.T) {
		t.Parallel()
		if out := tool(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors") {
			t.Errorf("qpdf is not content:\n%s", out)
		}
	})
	t.Run("pdffonts", func(t *testing.T) {
		t.Parallel()
		fonts := strings.Split(strings.TrimSpace(tool(t, "pdffonts", path)), "\n")[2:]
		if len(fonts) != 3 {
			t.Errorf("%d fonts, want 3", len(fonts))
		}
		for _, f := range fonts {
			if !strings.Contains(f, "yes yes yes") {
				t.Errorf("not embedded, subset and with Unicode: %s", f)
			}
		}
	})
	t.Run("pdfinfo", func(t *testing.T) {
		t.Parallel()
		out := tool(t, "pdfinfo", path)
		for _, want := range []string{"Tagged:          yes", "Pages:           2", "(A4)", "Suspects:        no"} {
			if !strings.Contains(out, want) {
				t.Errorf("pdfinfo does not say %q:\n%s", want, out)
			}
		}
	})
	t.Run("pdftotext", func(t *testing.T) {
		t.Parallel()
		out := strings.ReplaceAll(tool(t, "pdftotext", "-layout", path, "-"), "\u00a0", " ")
		for _, want := range []string{"Seite 1 von 2", "Seite 2 von 2", "Zoë Ağaoğlu-Müßig", "ENTWURF", "IBAN DE02"} {
			if !strings.Contains(out, want) {
				t.Errorf("text lacks %q", want)
			}
		}
	})
}

func TestPDFCarriesItsAttachment(t *testing.T) {
	t.Parallel()
	l := sample()
	l.Attachment = &document.Attachment{Name: "fall.json", MediaType: "application/json", Description: "Daten des Falls", Data: []byte(`{"aktenzeichen":"WG-2026-004711"}`)}
	data := render(t, document.WritePDF, l)
	if !bytes.Contains(data, []byte("<pdfaid:part>3</pdfaid:part>")) {
		t.Error("a PDF with an attachment should say PDF/A-3")
	}
	path := file(t, "a.pdf", data)
	tool(t, "qpdf", "--check", path)
	out := tool(t, "qpdf", "--show-attachment=fall.json", path)
	if out != string(l.Attachment.Data) {
		t.Errorf("attachment is %q", out)
	}
}

// No page ends with a heading or starts with the last line of a paragraph.
func TestPageBreaks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not installed")
	}
	text := strings.TrimSpace(strings.Repeat("Dies ist ein Satz mit einigen Wörtern. ", 9))
	for lead := range 7 {
		l := document.Letter{Subject: "Umbruch", Running: "Kopf"}
		for range lead {
			l.Body = append(l.Body, document.Text("kurz"))
		}
		for range 14 {
			l.Body = append(l.Body, document.Heading{Level: 1, Text: "UEBERSCHRIFT"}, document.Text("ANFANG "+text+" ENDE"))
		}
		out := tool(t, "pdftotext", "-layout", file(t, "l.pdf", render(t, document.WritePDF, l)), "-")
		for page := range strings.SplitSeq(strings.TrimRight(out, "\f"), "\f") {
			checkPageEnds(t, page)
		}
	}
}

func checkPageEnds(t *testing.T, page string) {
	t.Helper()
	var lines []string
	for line := range strings.SplitSeq(page, "\n") {
		if line = strings.TrimSpace(line); line != "" && line != "Kopf" && !strings.HasPrefix(line, "Seite") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		t.Fatal("an empty page")
	}
	if last := lines[len(lines)-1]; last == "UEBERSCHRIFT" || strings.HasPrefix(last, "ANFANG") {
		t.Errorf("a page ends with %q", last)
	}
	if strings.HasSuffix(lines[0], "ENDE") {
		t.Errorf("a page starts with the last line of a paragraph: %q", lines[0])
	}
}

func TestTableHeadIsRepeated(t *testing.T) {
	t.Parallel()
	rows := make([][]string, 24) // few and high: pdfinfo draws the page again for each cell
	for i := range rows {
		rows[i] = []string{"Zeile\n2\n3\n4\n5\n6"}
	}
	l := document.Letter{Subject: "Tabelle", Body: []document.Block{document.Table{Header: []string{"KOPFZEILE"}, Rows: rows}}}
	path := file(t, "t.pdf", render(t, document.WritePDF, l))
	shown := tool(t, "pdftotext", path, "-")
	pages := strings.Count(shown, "\f")
	if got := strings.Count(shown, "KOPFZEILE"); got != pages || pages < 3 {
		t.Errorf("head shown %d times on %d pages", got, pages)
	}
	if got := strings.Count(tool(t, "pdfinfo", "-struct-text", path), "KOPFZEILE"); got != 1 {
		t.Errorf("head read %d times, want once", got)
	}
}

// din91379 are letters of DIN 91379 beyond ASCII: those with a code point of their
// own, and sequences with combining marks.
const din91379 = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ" +
	"ĀāĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĦħĨĩĪīĬĭĮįİıĲĳĴĵĶķĸĹĺĻļĽľĿŀŁłŃńŅņŇňŉŊŋŌōŎŏŐőŒœ" +
	"ŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŦŧŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžƇƈƏƗƠơƯưƷǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛǜǞǟǢǣǤǥǦǧǨǩǪǫǬǭǮǯǰǴǵǸǹǺǻǼǽǾǿ" +
	"ȒȓȘșȚțȞȟȧȨȩȪȫȬȭȮȯȰȱȲȳəɨʒḂḃḆḇḊḋḌḍḎḏḐḑḜḝḞḟḠḡḢḣḤḥḦḧḨḩḪḫḯḰḱḲḳḴḵḶḷḺḻṀṁṂṃṄṅṆṇṈṉṒṓṔṕṖṗṘṙṚṛṞṟṠṡṢṣṪṫṬṭṮṯ" +
	"ẀẁẂẃẄẅẆẇẌẍẎẏẐẑẒẓẔẕẖẗẞẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợ" +
	"ỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹ" +
	"A̋ C̀ C̄ C̆ C̈ C̕ C̣ C̦ C̨̆ D̂ F̀ F̄ G̀ H̄ H̦ H̱ J́ J̌ K̀ K̂ K̄ K̇ K̕ K̛ K̦ L̂ L̥ L̥̄ L̦ M̀ M̂ M̆ M̐ N̂ N̄ N̆ N̦ P̀ P̄ P̕ P̣ R̆ R̥ R̥̄ " +
	"S̀ S̄ S̛̄ S̱ T̀ T̄ T̈ T̕ T̛ U̇ Z̀ Z̄ Z̆ Z̈ Z̧ a̋ c̀ c̄ c̆ k̇ l̥ m̂ n̄ r̥̄ s̱ z̆ ʰ ʳ ʹ ʺ ʻ ʼ ʾ ʿ ˈ ˌ’‡"

func TestPDFKeepsLettersOfDIN91379(t *testing.T) {
	t.Parallel()
	l := document.Letter{Subject: "Zeichen", Body: []document.Block{
		document.Text(din91379), document.Paragraph{Runs: []document.Run{{Text: din91379, Strong: true}}}, document.Paragraph{Runs: []document.Run{{Text: din91379, Emph: true}}},
	}}
	data := render(t, document.WritePDF, l)
	for _, fault := range checkPDF(data) {
		t.Error(fault)
	}
	out := tool(t, "pdfinfo", "-struct-text", file(t, "l.pdf", data))
	flat := norm.NFC.String(strings.Join(strings.Fields(strings.NewReplacer("\"\n", "", "\"", "").Replace(out)), ""))
	if want := strings.Join(strings.Fields(norm.NFC.String(din91379)), ""); strings.Count(flat, want) != 3 {
		t.Errorf("the letters did not come back whole in all three fonts")
	}
	c := &pdfChecker{objects: map[int]string{}, streams: map[int]string{}}
	c.read(data)
	for _, s := range c.streams {
		for _, m := range regexp.MustCompile(`/ActualText <feff([0-9a-f]+)>`).FindAllStringSubmatch(s, -1) {
			t.Errorf("no glyph for U+%s", m[1])
		}
	}
}

func TestSubsetIsSmall(t *testing.T) {
	t.Parallel()
	data := render(t, document.WritePDF, sample())
	if len(data) > 80<<10 {
		t.Errorf("the letter has %d bytes; are whole fonts in it?", len(data))
	}
}
