// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteDOCX writes the letter as Office Open XML. The head of the first page is one
// table of fixed heights instead of floating frames: Word and LibreOffice set it
// alike, and it stays in the reading order.
func WriteDOCX(w io.Writer, l Letter) error {
	l, err := prepare(l)
	if err != nil {
		return err
	}
	d := docxWriter{letter: l}
	d.body()
	return pack(w, []part{
		{name: "[Content_Types].xml", data: []byte(docxTypes)},
		{name: "_rels/.rels", data: []byte(docxRels)},
		{name: "docProps/core.xml", data: []byte(docxCore(l))},
		{name: "docProps/app.xml", data: []byte(docxApp)},
		{name: "word/document.xml", data: []byte(d.String())},
		{name: "word/_rels/document.xml.rels", data: []byte(docxDocumentRels)},
		{name: "word/styles.xml", data: []byte(docxStyles(l))},
		{name: "word/numbering.xml", data: []byte(docxNumbering(d.numbered))},
		{name: "word/settings.xml", data: []byte(docxSettings)},
		{name: "word/header1.xml", data: []byte(docxHeader(l, true))},
		{name: "word/header2.xml", data: []byte(docxHeader(l, false))},
		{name: "word/footer1.xml", data: []byte(docxFooter(l))},
	})
}

const docxNamespaces = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"` +
	` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"` +
	` xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"`

// twips turns millimetres into twentieths of a point.
func twips(mm float64) int { return int(math.Round(mm * 1440 / 25.4)) }

// docxWriter collects document.xml and counts numbered lists, each of which starts
// again at 1.
type docxWriter struct {
	strings.Builder
	letter   Letter
	numbered int
}

func (d *docxWriter) add(s ...string) {
	for _, x := range s {
		d.WriteString(x)
	}
}

func (d *docxWriter) body() {
	d.add(xmlHead, "<w:document", docxNamespaces, "><w:body>\n")
	d.head()
	if d.letter.Subject != "" {
		d.paragraph("Subject", "", Run{Text: d.letter.Subject})
	}
	for _, b := range d.letter.Body {
		d.block(b)
	}
	if d.letter.Subject == "" && len(d.letter.Body) == 0 {
		d.paragraph("Small", "") // a table must not be the last thing
	}
	d.add(fmt.Sprintf(`<w:sectPr><w:headerReference w:type="first" r:id="rId4"/><w:headerReference w:type="default" r:id="rId5"/><w:footerReference w:type="first" r:id="rId6"/><w:footerReference w:type="default" r:id="rId6"/><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="%d" w:right="%d" w:bottom="%d" w:left="%d" w:header="%d" w:footer="%d" w:gutter="0"/><w:titlePg/></w:sectPr>`,
		twips(docxTop), twips(sheet.right), twips(22+3.6*float64(len(d.letter.Footer))), twips(sheet.left), twips(9), twips(10)))
	d.add("</w:body></w:document>\n")
}

// docxTop is the upper margin of all pages, in millimetres.
const docxTop = 18

// head is the table of letterhead, address field and reference block.
func (d *docxWriter) head() {
	l := d.letter
	columns := []float64{sheet.addressWidth - 5, sheet.infoLeft - sheet.left - sheet.addressWidth + 5, sheet.infoWidth}
	d.add(`<w:tbl><w:tblPr><w:tblW w:w="`, strconv.Itoa(twips(175)), `" w:type="dxa"/><w:tblInd w:w="0" w:type="dxa"/><w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="0" w:type="dxa"/></w:tblCellMar><w:tblCaption w:val="Briefkopf, Anschrift und Bezugszeichen"/></w:tblPr><w:tblGrid>`)
	for _, c := range columns {
		d.add(fmt.Sprintf(`<w:gridCol w:w="%d"/>`, twips(c)))
	}
	d.add("</w:tblGrid>\n")
	d.row(sheet.addressTop-docxTop, func() {
		d.cell(175, 3, func() { d.letterhead(l) })
	})
	d.row(sheet.subjectTop-sheet.addressTop-8.46, func() {
		d.cell(columns[0], 1, func() { d.address(l) })
		d.cell(columns[1], 1, func() { d.paragraph("Small", "") })
		d.cell(columns[2], 1, func() { d.info(l.Info) })
	})
	d.add("</w:tbl>\n")
}

// row writes a table row of at least a height in millimetres.
func (d *docxWriter) row(height float64, cells func()) {
	d.add(fmt.Sprintf(`<w:tr><w:trPr><w:cantSplit/><w:trHeight w:val="%d" w:hRule="atLeast"/></w:trPr>`, twips(height)))
	cells()
	d.add("</w:tr>\n")
}

func (d *docxWriter) cell(width float64, span int, content func()) {
	spans := ""
	if span > 1 {
		spans = fmt.Sprintf(`<w:gridSpan w:val="%d"/>`, span)
	}
	d.add(fmt.Sprintf(`<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/>%s</w:tcPr>`, twips(width), spans))
	content()
	d.add("</w:tc>")
}

func (d *docxWriter) letterhead(l Letter) {
	if l.Letterhead.Authority != "" {
		d.paragraph("Authority", "", Run{Text: l.Letterhead.Authority})
	}
	if l.Letterhead.Department != "" {
		d.paragraph("Department", "", Run{Text: l.Letterhead.Department})
	}
	for _, s := range l.Letterhead.Lines {
		d.paragraph("Head", "", Run{Text: s})
	}
	if l.Draft {
		d.paragraph("Draft", fmt.Sprintf(`<w:spacing w:before="%d"/><w:ind w:left="%d"/>`, twips(3), twips(sheet.infoLeft-sheet.left)), Run{Text: DraftNotice})
	}
	d.paragraph("Small", "")
}

// address puts the return line on the ground of its zone and the recipient below.
func (d *docxWriter) address(l Letter) {
	zone := sheet.recipientTop - sheet.addressTop
	line := 3.7
	d.paragraph("Return", fmt.Sprintf(`<w:spacing w:before="%d" w:after="%d" w:line="%d" w:lineRule="exact"/>`, twips(zone-line-1), twips(1), twips(line)), Run{Text: l.ReturnLine})
	for _, s := range l.Recipient {
		d.paragraph("Recipient", "", Run{Text: s})
	}
}

func (d *docxWriter) info(pairs []Pair) {
	for i, p := range pairs {
		extra := ""
		if i == 0 {
			extra = fmt.Sprintf(`<w:spacing w:before="%d"/>`, twips(sheet.infoTop-sheet.addressTop))
		}
		d.add(`<w:p><w:pPr><w:pStyle w:val="Info"/>`, extra, "</w:pPr>")
		d.run(Run{Text: label(p.Label)}, "")
		d.add("<w:r><w:tab/></w:r>")
		d.run(Run{Text: p.Value}, "")
		d.add("</w:p>\n")
	}
	if len(pairs) == 0 {
		d.paragraph("Small", "")
	}
}

// paragraph writes a paragraph in a style; extra is more paragraph properties.
func (d *docxWriter) paragraph(style, extra string, runs ...Run) {
	d.add(`<w:p><w:pPr><w:pStyle w:val="`, style, `"/>`, extra, "</w:pPr>")
	for _, r := range runs {
		d.run(r, "")
	}
	d.add("</w:p>\n")
}

func (d *docxWriter) run(r Run, style string) {
	if r.Text != "" {
		d.add(docxRun(r, style))
	}
}

func docxRun(r Run, style string) string {
	props := ""
	if r.Strong {
		props += "<w:b/>"
	}
	if r.Emph {
		props += "<w:i/>"
	}
	props += style // the schema wants colour behind weight
	if props != "" {
		props = "<w:rPr>" + props + "</w:rPr>"
	}
	text := strings.ReplaceAll(esc(r.Text), "\n", `</w:t><w:br/><w:t xml:space="preserve">`)
	return "<w:r>" + props + `<w:t xml:space="preserve">` + text + "</w:t></w:r>"
}

func (d *docxWriter) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		d.paragraph("BodyText", docxKeep(b), b.Runs...)
	case Heading:
		d.paragraph("Heading"+strconv.Itoa(b.Level), "", Run{Text: b.Text})
	case List:
		d.list(b)
	case Table:
		d.table(b)
	}
}

func docxKeep(p Paragraph) string {
	if p.KeepWithNext {
		return "<w:keepNext/>"
	}
	return ""
}

func (d *docxWriter) list(b List) {
	number := 1 // the bullets
	if b.Ordered {
		d.numbered++
		number += d.numbered
	}
	for _, item := range b.Items {
		for i, p := range item {
			if i == 0 {
				d.paragraph("ListParagraph", fmt.Sprintf(`%s<w:numPr><w:ilvl w:val="0"/><w:numId w:val="%d"/></w:numPr>`, docxKeep(p), number), p.Runs...)
				continue
			}
			d.paragraph("ListParagraph", docxKeep(p), p.Runs...)
		}
	}
}

func (d *docxWriter) table(b Table) {
	if b.Caption != "" {
		d.paragraph("Caption", "", Run{Text: b.Caption})
	}
	widths := columnWidths(b.Widths, sheet.width-sheet.left-sheet.right)
	d.add(`<w:tbl><w:tblPr><w:tblStyle w:val="LetterTable"/><w:tblW w:w="`, strconv.Itoa(twips(165)), `" w:type="dxa"/><w:tblLayout w:type="fixed"/><w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>`)
	if b.Caption != "" {
		d.add(`<w:tblCaption w:val="`, esc(b.Caption), `"/>`)
	}
	d.add("</w:tblPr><w:tblGrid>")
	for _, w := range widths {
		d.add(fmt.Sprintf(`<w:gridCol w:w="%d"/>`, twips(w)))
	}
	d.add("</w:tblGrid>\n")
	if len(b.Header) > 0 {
		d.tableRow(b.Header, widths, true)
	}
	for _, r := range b.Rows {
		d.tableRow(r, widths, false)
	}
	d.add("</w:tbl>\n")
	d.paragraph("Small", "")
}

func (d *docxWriter) tableRow(cells []string, widths []float64, head bool) {
	props, style := "<w:cantSplit/>", "TableText"
	if head {
		props, style = "<w:cantSplit/><w:tblHeader/>", "TableHeading"
	}
	d.add("<w:tr><w:trPr>", props, "</w:trPr>")
	for i, c := range cells {
		d.cell(widths[i], 1, func() { d.paragraph(style, "", Run{Text: c}) })
	}
	d.add("</w:tr>\n")
}
