// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const odtType = "application/vnd.oasis.opendocument.text"

// WriteODT writes the letter as OpenDocument text 1.3. Letterhead, address field
// and reference block are frames at the places DIN 5008 gives them and stand first
// in the file, so that the reading order is that of the other formats.
func WriteODT(w io.Writer, l Letter) error {
	l, err := prepare(l)
	if err != nil {
		return err
	}
	o := odtWriter{}
	o.document(l)
	parts := []part{
		{name: "mimetype", data: []byte(odtType), stored: true},
		{name: "content.xml", data: []byte(o.String())},
		{name: "styles.xml", data: []byte(odtStyles(l))},
		{name: "meta.xml", data: []byte(odtMeta(l))},
	}
	manifest := []string{odtType, "text/xml", "text/xml", "text/xml"}
	if l.Attachment != nil {
		// an ODF package may carry further files; the manifest names them
		parts = append(parts, part{name: "Attachments/" + l.Attachment.Name, data: l.Attachment.Data})
		manifest = append(manifest, l.Attachment.MediaType)
	}
	parts = append(parts, part{name: "META-INF/manifest.xml", data: []byte(odtManifest(parts, manifest))})
	return pack(w, parts)
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

const odtNamespaces = ` xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"` +
	` xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"` +
	` xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"` +
	` xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"` +
	` xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"` +
	` xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"` +
	` xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"` +
	` xmlns:dc="http://purl.org/dc/elements/1.1/"` +
	` xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"` +
	` office:version="1.3"`

// odtWriter collects content.xml: the body first, its automatic styles beside it,
// because a table's column widths are known only when it is met.
type odtWriter struct {
	strings.Builder
	auto   strings.Builder
	tables int
}

func (o *odtWriter) add(s ...string) {
	for _, x := range s {
		o.WriteString(x)
	}
}

func (o *odtWriter) document(l Letter) {
	var body odtWriter
	body.letter(l)
	o.add(xmlHead, "<office:document-content", odtNamespaces, "><office:automatic-styles>",
		odtStartStyle("Start_Subject", "Subject"), odtStartStyle("Start_Text", "Text_20_body"),
		odtParts, body.auto.String(), "</office:automatic-styles><office:body><office:text>\n",
		body.String(), "</office:text></office:body></office:document-content>\n")
}

// odtStartStyle is the style of the paragraph that opens the first page.
func odtStartStyle(name, parent string) string {
	return fmt.Sprintf(`<style:style style:name="%s" style:family="paragraph" style:parent-style-name="%s" style:master-page-name="First"/>`, name, parent)
}

func (o *odtWriter) letter(l Letter) {
	o.frames(l)
	if l.Subject != "" {
		o.add(`<text:h text:style-name="Start_Subject" text:outline-level="1">`, odtText(l.Subject), "</text:h>\n")
	} else {
		o.add(`<text:p text:style-name="Start_Text"/>`, "\n")
	}
	for _, b := range l.Body {
		o.block(b)
	}
}

func (o *odtWriter) frames(l Letter) {
	o.frame("Briefkopf", sheet.left, 15, 165, 30, func() {
		o.paragraph("Authority", l.Letterhead.Authority)
		o.paragraph("Department", l.Letterhead.Department)
		for _, s := range l.Letterhead.Lines {
			o.paragraph("Head", s)
		}
	}, l.Letterhead.Authority != "" || l.Letterhead.Department != "" || len(l.Letterhead.Lines) > 0)
	o.frame("Entwurf", sheet.infoLeft, 37, 75, 7, func() { o.paragraph("Draft", DraftNotice) }, l.Draft)
	o.frame("Rücksendeangabe", sheet.left, 45, 80, 17.7, func() { o.paragraph("Return", l.ReturnLine) }, l.ReturnLine != "")
	o.frame("Anschrift", sheet.left, 62.7, 80, 27.3, func() {
		for _, s := range l.Recipient {
			o.paragraph("Recipient", s)
		}
	}, len(l.Recipient) > 0)
	o.frame("Informationsblock", sheet.infoLeft, sheet.infoTop, 75, infoHeight(l), func() { o.info(l.Info) }, len(l.Info) > 0)
	for _, m := range sheet.marks {
		o.add(fmt.Sprintf(`<draw:line draw:style-name="Mark" text:anchor-type="page" text:anchor-page-number="1" draw:z-index="0" svg:x1="5mm" svg:y1="%gmm" svg:x2="%gmm" svg:y2="%gmm"/>`, m.y, 5+m.length, m.y), "\n")
	}
}

// frame writes a text box at a place of the first page, in millimetres.
func (o *odtWriter) frame(name string, x, y, width, height float64, content func(), wanted bool) {
	if !wanted {
		return
	}
	style := "Box"
	if name == "Rücksendeangabe" {
		style = "Box_20_bottom"
	}
	o.add(fmt.Sprintf(`<draw:frame draw:style-name="%s" draw:name="%s" text:anchor-type="page" text:anchor-page-number="1" draw:z-index="1" svg:x="%gmm" svg:y="%gmm" svg:width="%gmm"><draw:text-box fo:min-height="%gmm">`,
		style, name, x, y, width, height), "\n")
	content()
	o.add("</draw:text-box></draw:frame>\n")
}

// info is a paragraph per pair with a tab: two columns without a table to walk.
func (o *odtWriter) info(pairs []Pair) {
	for _, p := range pairs {
		o.add(`<text:p text:style-name="Info">`, odtText(label(p.Label)), "<text:tab/>", odtText(p.Value), "</text:p>\n")
	}
}

func (o *odtWriter) paragraph(style, text string) {
	if text != "" {
		o.add(`<text:p text:style-name="`, style, `">`, odtText(text), "</text:p>\n")
	}
}

func (o *odtWriter) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		style := "Text_20_body"
		if b.KeepWithNext {
			style = "Text_20_keep"
		}
		o.runs(style, b.Runs)
	case Heading:
		o.add(fmt.Sprintf(`<text:h text:style-name="Heading_20_%d" text:outline-level="%d">`, b.Level, b.Level), odtText(b.Text), "</text:h>\n")
	case List:
		o.list(b)
	case Table:
		o.table(b)
	}
}

func (o *odtWriter) runs(style string, runs []Run) {
	o.add(`<text:p text:style-name="`, style, `">`)
	for _, r := range runs {
		name := spanStyle(r)
		if name == "" {
			o.add(odtText(r.Text))
			continue
		}
		o.add(`<text:span text:style-name="`, name, `">`, odtText(r.Text), "</text:span>")
	}
	o.add("</text:p>\n")
}

func spanStyle(r Run) string {
	switch {
	case r.Strong && r.Emph:
		return "Strong_20_Emphasis"
	case r.Strong:
		return "Strong"
	case r.Emph:
		return "Emphasis"
	}
	return ""
}

func (o *odtWriter) list(b List) {
	style := "Bullets"
	if b.Ordered {
		style = "Numbers"
	}
	o.add(`<text:list text:style-name="`, style, `">`, "\n")
	for _, item := range b.Items {
		o.add("<text:list-item>")
		for _, p := range item {
			o.runs("List", p.Runs)
		}
		o.add("</text:list-item>\n")
	}
	o.add("</text:list>\n")
}

func (o *odtWriter) table(b Table) {
	o.tables++
	name := "Table" + strconv.Itoa(o.tables)
	o.tableStyles(name, b.Widths)
	if b.Caption != "" {
		o.paragraph("Table_20_Caption", b.Caption)
	}
	o.add(`<table:table table:name="`, name, `" table:style-name="`, name, `">`, "\n")
	for i := range b.Widths {
		o.add(fmt.Sprintf(`<table:table-column table:style-name="%s.%d"/>`, name, i+1))
	}
	if len(b.Header) > 0 {
		o.add("<table:table-header-rows>")
		o.row(b.Header, "HeadCell", "Table_20_Heading")
		o.add("</table:table-header-rows>\n")
	}
	for _, r := range b.Rows {
		o.row(r, "Cell", "Table_20_Contents")
	}
	if len(b.Header)+len(b.Rows) == 0 {
		o.row(make([]string, len(b.Widths)), "Cell", "Table_20_Contents")
	}
	o.add("</table:table>\n")
}

func (o *odtWriter) tableStyles(name string, widths []int) {
	fmt.Fprintf(&o.auto, `<style:style style:name="%s" style:family="table"><style:table-properties style:width="165mm" table:align="left" fo:margin-bottom="3mm" style:may-break-between-rows="true"/></style:style>`, name)
	for i, mm := range columnWidths(widths, 165) {
		fmt.Fprintf(&o.auto, `<style:style style:name="%s.%d" style:family="table-column"><style:table-column-properties style:column-width="%.2fmm"/></style:style>`, name, i+1, mm)
	}
}

// columnWidths distributes a width over relative shares.
func columnWidths(shares []int, width float64) []float64 {
	sum := 0
	for _, s := range shares {
		sum += s
	}
	out := make([]float64, len(shares))
	for i, s := range shares {
		out[i] = width * float64(s) / float64(sum)
	}
	return out
}

func (o *odtWriter) row(cells []string, cellStyle, style string) {
	o.add("<table:table-row table:style-name=\"Row\">")
	for _, c := range cells {
		o.add(`<table:table-cell table:style-name="`, cellStyle, `" office:value-type="string"><text:p text:style-name="`, style, `">`, odtText(c), "</text:p></table:table-cell>")
	}
	o.add("</table:table-row>\n")
}

// odtText escapes a text and writes its line feeds as breaks.
func odtText(s string) string { return strings.ReplaceAll(esc(s), "\n", "<text:line-break/>") }

func odtMeta(l Letter) string {
	var b strings.Builder
	b.WriteString(xmlHead + "<office:document-meta" + odtNamespaces + "><office:meta><meta:generator>KI-Schleuse</meta:generator>")
	for _, e := range []Pair{{"dc:title", l.Title}, {"dc:subject", l.Subject}, {"meta:initial-creator", l.Author}, {"dc:creator", l.Author}, {"dc:language", l.Lang}} {
		if e.Value != "" {
			b.WriteString("<" + e.Label + ">" + esc(e.Value) + "</" + e.Label + ">")
		}
	}
	if !l.Created.IsZero() {
		b.WriteString("<meta:creation-date>" + l.Created.UTC().Format(time.RFC3339) + "</meta:creation-date>")
	}
	b.WriteString("</office:meta></office:document-meta>\n")
	return b.String()
}

func odtManifest(parts []part, types []string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">` + "\n")
	for i, p := range parts {
		name, version := p.name, ""
		if i == 0 {
			name, version = "/", ` manifest:version="1.3"`
		}
		fmt.Fprintf(&b, `<manifest:file-entry manifest:full-path="%s"%s manifest:media-type="%s"/>`+"\n", esc(name), version, esc(types[i]))
	}
	b.WriteString("</manifest:manifest>\n")
	return b.String()
}
