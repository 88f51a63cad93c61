// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// A program that looks at the first bytes sees an ODT: the mimetype stands first,
// stored, without extra field and data descriptor.
func TestODTStartsWithItsType(t *testing.T) {
	t.Parallel()
	data := render(t, document.WriteODT, sample())
	const mime = "application/vnd.oasis.opendocument.text"
	if !bytes.HasPrefix(data[30:], []byte("mimetype"+mime)) {
		t.Errorf("the file starts with %q", data[:90])
	}
	if flags := data[6]; flags&8 != 0 {
		t.Error("the mimetype has a data descriptor")
	}
}

func TestODTSaysWhatItHolds(t *testing.T) {
	t.Parallel()
	l := sample()
	l.Attachment = &document.Attachment{Name: "../a/b\".json", MediaType: "application/json", Data: []byte("{}")}
	parts := unzip(t, render(t, document.WriteODT, l))
	manifest := string(parts["META-INF/manifest.xml"])
	for name := range parts {
		if name != "mimetype" && name != "META-INF/manifest.xml" && !strings.Contains(manifest, `full-path="`+name+`"`) {
			t.Errorf("the manifest does not name %s", name)
		}
	}
	if string(parts["Attachments/.._a_b_.json"]) != "{}" {
		t.Error("the attachment is not there under a harmless name")
	}
	styles, text := string(parts["styles.xml"]), string(parts["content.xml"])
	for _, want := range []string{`draw:name="Anschrift"`, `svg:x="125mm" svg:y="50mm" svg:width="75mm"`, `svg:y1="105mm"`, `svg:y1="148.5mm"`, `svg:y1="210mm"`, "table:table-header-rows", `text:outline-level="1"`} {
		if !strings.Contains(text, want) {
			t.Errorf("content.xml lacks %s", want)
		}
	}
	for _, want := range []string{`draw:fill="none" draw:stroke="none"`, `fo:margin-top="98.50mm"`, "<text:page-number", "<text:page-count", `fo:language="de" fo:country="DE"`} {
		if !strings.Contains(styles, want) {
			t.Errorf("styles.xml lacks %s", want)
		}
	}
	usedStylesExist(t, styles+text)
}

// usedStylesExist fails when a paragraph names a style nobody declares.
func usedStylesExist(t *testing.T, xml string) {
	t.Helper()
	declared := map[string]bool{}
	for _, m := range regexp.MustCompile(`style:name="([^"]+)"`).FindAllStringSubmatch(xml, -1) {
		declared[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:text|table|draw):style-name="([^"]+)"`).FindAllStringSubmatch(xml, -1) {
		if !declared[m[1]] {
			t.Errorf("style %s is used but not declared", m[1])
		}
	}
}

func TestDOCXPartsFitTogether(t *testing.T) {
	t.Parallel()
	parts := unzip(t, render(t, document.WriteDOCX, sample()))
	types := string(parts["[Content_Types].xml"])
	for name := range parts {
		if strings.HasPrefix(name, "word/") && strings.HasSuffix(name, ".xml") && !strings.Contains(types, `PartName="/`+name+`"`) {
			t.Errorf("no content type for %s", name)
		}
	}
	rels, doc := string(parts["word/_rels/document.xml.rels"]), string(parts["word/document.xml"])
	for _, m := range regexp.MustCompile(`r:id="(rId\d+)"`).FindAllStringSubmatch(doc, -1) {
		if !strings.Contains(rels, `Id="`+m[1]+`"`) {
			t.Errorf("relation %s is not declared", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`Target="([^"]+)"`).FindAllStringSubmatch(rels, -1) {
		if parts["word/"+m[1]] == nil {
			t.Errorf("part %s is missing", m[1])
		}
	}
	styles := string(parts["word/styles.xml"])
	for _, m := range regexp.MustCompile(`w:(?:pStyle|tblStyle|basedOn) w:val="([^"]+)"`).FindAllStringSubmatch(doc+styles+string(parts["word/header2.xml"])+string(parts["word/footer1.xml"]), -1) {
		if !strings.Contains(styles, `w:styleId="`+m[1]+`"`) {
			t.Errorf("style %s is used but not declared", m[1])
		}
	}
	numbering := string(parts["word/numbering.xml"])
	for _, m := range regexp.MustCompile(`<w:numId w:val="(\d+)"/>`).FindAllStringSubmatch(doc, -1) {
		if !strings.Contains(numbering, `<w:num w:numId="`+m[1]+`">`) {
			t.Errorf("numbering %s is not declared", m[1])
		}
	}
}

func TestHTMLStandsAlone(t *testing.T) {
	t.Parallel()
	page := string(render(t, document.WriteHTML, sample()))
	for _, bad := range []string{"<script", "http://", "https://", " style=", " onclick", "url(", "@import", "<link", "<img"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{`<html lang="de-DE">`, "<title>Anforderung", "<h1", `<th scope="col"`, "<caption", "<main>", `<meta name="viewport"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	fragment := string(render(t, document.HTMLFragment, sample()))
	if !strings.HasPrefix(fragment, "<article") || strings.Contains(fragment, "<h1") || strings.Contains(fragment, "<style") {
		t.Error("the fragment should be an article without h1 and style")
	}
	for rule := range strings.SplitSeq(regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(document.Stylesheet(), ""), "}") {
		selector, _, ok := strings.Cut(rule[strings.LastIndex(rule, "@media")+1:], "{")
		if selector = strings.TrimSpace(selector); ok && !strings.HasPrefix(selector, "media") && !strings.HasPrefix(selector, ".letter") {
			t.Errorf("the style sheet reaches beyond the letter: %s", selector)
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	t.Parallel()
	evil := `<b onclick="x">&amp; ]]> ' "` + "\x00"
	l := document.Letter{
		Lang: "de", Title: evil, Author: evil, Running: evil, Subject: evil, ReturnLine: evil, Recipient: []string{evil}, Footer: []string{evil}, Draft: true,
		Letterhead: document.Letterhead{Authority: evil, Department: evil, Lines: []string{evil}}, Info: []document.Pair{{Label: evil, Value: evil}},
		Body:       []document.Block{document.Heading{Text: evil}, document.Text(evil), document.List{Items: [][]document.Paragraph{{document.Text(evil)}}}, document.Table{Caption: evil, Header: []string{evil}, Rows: [][]string{{evil}}}},
		Attachment: &document.Attachment{Name: evil, MediaType: evil, Description: evil},
	}
	for format, w := range writers() {
		data := render(t, w, l)
		checkFormat(t, format, data)
		if bytes.Contains(data, []byte("<b onclick")) {
			t.Errorf("%s: an element got in", format)
		}
	}
	parts := unzip(t, render(t, document.WriteDOCX, l))
	text, err := xmlText(parts["word/document.xml"], map[string]bool{"p": true})
	if err != nil {
		t.Fatal(err)
	}
	if want := `<b onclick="x">&amp; ]]> ' "`; strings.Count(text, want) != 14 {
		t.Errorf("the text came back %d times, want 14", strings.Count(text, want))
	}
}
