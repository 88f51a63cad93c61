// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"fmt"
	"strings"
	"time"
)

const docxTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
	`<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>` +
	`<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/>` +
	`<Override PartName="/word/numbering.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml"/>` +
	`<Override PartName="/word/settings.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml"/>` +
	`<Override PartName="/word/header1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"/>` +
	`<Override PartName="/word/header2.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"/>` +
	`<Override PartName="/word/footer1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/>` +
	`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>` +
	`<Override PartName="/docProps/app.xml" ContentType="application/vnd.openxmlformats-officedocument.extended-properties+xml"/></Types>` + "\n"

const docxRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/extended-properties" Target="docProps/app.xml"/></Relationships>` + "\n"

const docxDocumentRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering" Target="numbering.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/settings" Target="settings.xml"/><Relationship Id="rId4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/header" Target="header1.xml"/><Relationship Id="rId5" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/header" Target="header2.xml"/><Relationship Id="rId6" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer" Target="footer1.xml"/></Relationships>` + "\n"

const docxApp = xmlHead + `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>KI-Schleuse</Application></Properties>` + "\n"

const docxSettings = xmlHead + `<w:settings xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:defaultTabStop w:val="709"/><w:autoHyphenation w:val="false"/><w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>` + "\n"

func docxCore(l Letter) string {
	created := ""
	if !l.Created.IsZero() {
		created = `<dcterms:created xsi:type="dcterms:W3CDTF">` + l.Created.UTC().Format(time.RFC3339) + `</dcterms:created>`
	}
	return xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>` +
		esc(l.Title) + `</dc:title><dc:creator>` + esc(l.Author) + `</dc:creator>` + created + `<dc:language>` + esc(l.Lang) + `</dc:language></cp:coreProperties>` + "\n"
}

// docxStyle is one paragraph style; p and r are its properties.
func docxStyle(id, name, based, p, r string) string {
	if based != "" {
		based = `<w:basedOn w:val="` + based + `"/>`
	}
	return fmt.Sprintf(`<w:style w:type="paragraph" w:styleId="%s"><w:name w:val="%s"/>%s<w:qFormat/><w:pPr>%s</w:pPr><w:rPr>%s</w:rPr></w:style>`+"\n", id, name, based, p, r)
}

func docxStyles(l Letter) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<w:styles` + docxNamespaces + `><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Liberation Sans" w:hAnsi="Liberation Sans" w:cs="Liberation Sans" w:eastAsia="Liberation Sans"/><w:sz w:val="22"/><w:szCs w:val="22"/><w:lang w:val="` + esc(l.Lang) + `"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:widowControl/><w:spacing w:after="0"/></w:pPr></w:pPrDefault></w:docDefaults>` + "\n")
	b.WriteString(`<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>` + "\n")
	b.WriteString(`<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar><w:top w:w="0" w:type="dxa"/><w:left w:w="0" w:type="dxa"/><w:bottom w:w="0" w:type="dxa"/><w:right w:w="0" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>` + "\n")
	for _, s := range [][5]string{
		{"BodyText", "Body Text", "Normal", `<w:spacing w:after="170" w:line="300" w:lineRule="exact"/>`, ""},
		{"Subject", "Betreff", "Normal", fmt.Sprintf(`<w:keepNext/><w:spacing w:before="%d" w:after="%d"/><w:outlineLvl w:val="0"/>`, twips(8.46), twips(7)), `<w:b/><w:sz w:val="24"/>`},
		{"Heading1", "heading 1", "Normal", `<w:keepNext/><w:spacing w:before="300" w:after="90"/><w:outlineLvl w:val="0"/>`, `<w:b/><w:sz w:val="24"/>`},
		{"Heading2", "heading 2", "Normal", `<w:keepNext/><w:spacing w:before="300" w:after="90"/><w:outlineLvl w:val="1"/>`, `<w:b/><w:sz w:val="24"/>`},
		{"Heading3", "heading 3", "Normal", `<w:keepNext/><w:spacing w:before="300" w:after="90"/><w:outlineLvl w:val="2"/>`, `<w:b/>`},
		{"Heading4", "heading 4", "Normal", `<w:keepNext/><w:spacing w:before="240" w:after="90"/><w:outlineLvl w:val="3"/>`, `<w:b/><w:i/>`},
		{"ListParagraph", "List Paragraph", "BodyText", fmt.Sprintf(`<w:spacing w:after="85"/><w:ind w:left="%d"/>`, twips(6)), ""},
		{"Authority", "Briefkopf Behörde", "Normal", "", `<w:b/><w:sz w:val="30"/>`},
		{"Department", "Briefkopf Amt", "Normal", "", `<w:b/><w:sz w:val="20"/>`},
		{"Head", "Briefkopf Zeile", "Normal", "", `<w:sz w:val="18"/>`},
		{"Return", "Rücksendeangabe", "Normal", "", fmt.Sprintf(`<w:sz w:val="%d"/>`, int(2*returnSize(l)))},
		{"Recipient", "Anschrift", "Normal", fmt.Sprintf(`<w:spacing w:line="%d" w:lineRule="exact"/>`, int(recipientSize(l)*1.172*20)), fmt.Sprintf(`<w:sz w:val="%d"/>`, int(2*recipientSize(l)))},
		{"Info", "Informationsblock", "Normal", fmt.Sprintf(`<w:tabs><w:tab w:val="left" w:pos="%d"/></w:tabs><w:spacing w:line="240" w:lineRule="exact"/><w:ind w:left="%d" w:hanging="%d"/>`, twips(28), twips(28), twips(28)), `<w:sz w:val="18"/>`},
		{"Caption", "caption", "Normal", `<w:keepNext/><w:spacing w:before="110" w:after="60"/>`, `<w:b/><w:sz w:val="20"/>`},
		{"TableText", "Tabellentext", "Normal", `<w:spacing w:line="260" w:lineRule="exact"/>`, `<w:sz w:val="20"/>`},
		{"TableHeading", "Tabellenkopf", "TableText", `<w:keepNext/>`, `<w:b/>`},
		{"Header", "header", "Normal", `<w:pBdr><w:bottom w:val="single" w:sz="4" w:space="4" w:color="777777"/></w:pBdr><w:spacing w:after="400"/>`, `<w:color w:val="333333"/><w:sz w:val="18"/>`},
		{"PageNumber", "Seitenzahl", "Normal", `<w:spacing w:after="80"/><w:jc w:val="right"/>`, `<w:sz w:val="18"/>`},
		{"Footer", "footer", "Normal", `<w:spacing w:line="204" w:lineRule="exact"/>`, `<w:color w:val="333333"/><w:sz w:val="16"/>`},
		{"Draft", "Entwurfsvermerk", "Normal", "", `<w:b/><w:color w:val="A01010"/><w:sz w:val="20"/>`},
		{"Small", "Zwischenraum", "Normal", `<w:spacing w:line="120" w:lineRule="exact"/>`, `<w:sz w:val="4"/>`},
	} {
		b.WriteString(docxStyle(s[0], s[1], s[2], s[3], s[4]))
	}
	b.WriteString(`<w:style w:type="table" w:styleId="LetterTable"><w:name w:val="Brieftabelle"/><w:basedOn w:val="TableNormal"/><w:tblPr><w:tblBorders><w:bottom w:val="single" w:sz="4" w:space="0" w:color="777777"/><w:insideH w:val="single" w:sz="4" w:space="0" w:color="777777"/></w:tblBorders><w:tblCellMar><w:top w:w="62" w:type="dxa"/><w:left w:w="68" w:type="dxa"/><w:bottom w:w="62" w:type="dxa"/><w:right w:w="68" w:type="dxa"/></w:tblCellMar></w:tblPr><w:tblStylePr w:type="firstRow"><w:tcPr><w:tcBorders><w:bottom w:val="single" w:sz="8" w:space="0" w:color="222222"/></w:tcBorders><w:shd w:val="clear" w:color="auto" w:fill="F0F2F4"/></w:tcPr></w:tblStylePr></w:style>` + "\n</w:styles>\n")
	return b.String()
}

// docxNumbering declares the bullets and one numbering per numbered list.
func docxNumbering(numbered int) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<w:numbering` + docxNamespaces + `>`)
	level := func(id int, format, text string, indent float64) {
		fmt.Fprintf(&b, `<w:abstractNum w:abstractNumId="%d"><w:multiLevelType w:val="singleLevel"/><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="%s"/><w:lvlText w:val="%s"/><w:lvlJc w:val="left"/><w:pPr><w:ind w:left="%d" w:hanging="%d"/></w:pPr></w:lvl></w:abstractNum>`, id, format, text, twips(indent), twips(indent))
	}
	level(0, "bullet", "•", 6)
	level(1, "decimal", "%1.", 8)
	b.WriteString(`<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>`)
	for i := range numbered {
		fmt.Fprintf(&b, `<w:num w:numId="%d"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>`, i+2)
	}
	b.WriteString("</w:numbering>\n")
	return b.String()
}

// docxHeader is the head of a page: fold marks on the first, the running text on the others.
func docxHeader(l Letter, first bool) string {
	var b strings.Builder
	b.WriteString(xmlHead + "<w:hdr" + docxNamespaces + ">")
	if first {
		b.WriteString(`<w:p><w:pPr><w:pStyle w:val="Small"/></w:pPr>` + docxMarks() + "</w:p></w:hdr>\n")
		return b.String()
	}
	b.WriteString(`<w:p><w:pPr><w:pStyle w:val="Header"/></w:pPr>`)
	if l.Draft {
		b.WriteString(docxRun(Run{Text: DraftNotice, Strong: true}, `<w:color w:val="A01010"/>`) + docxRun(Run{Text: " · "}, ""))
	}
	b.WriteString(docxRun(Run{Text: l.Running}, "") + "</w:p></w:hdr>\n")
	return b.String()
}

// docxMarks draws fold and hole marks beside the text.
func docxMarks() string {
	var b strings.Builder
	for i, m := range sheet.marks {
		fmt.Fprintf(&b, `<w:r><w:pict><v:line id="Falzmarke%d" alt="" style="position:absolute;mso-position-horizontal-relative:page;mso-position-vertical-relative:page;z-index:-%d" from="%.2fmm,%.2fmm" to="%.2fmm,%.2fmm" strokecolor="#666666" strokeweight=".35pt"/></w:pict></w:r>`,
			i+1, i+1, 5.0, m.y, 5+m.length, m.y)
	}
	return b.String()
}

func docxFooter(l Letter) string {
	var b strings.Builder
	field := func(code string) string {
		return `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> ` + code + ` </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>`
	}
	b.WriteString(xmlHead + "<w:ftr" + docxNamespaces + `><w:p><w:pPr><w:pStyle w:val="PageNumber"/></w:pPr>` +
		docxRun(Run{Text: "Seite" + bound}, "") + field("PAGE") + docxRun(Run{Text: " von" + bound}, "") + field("NUMPAGES") + "</w:p>")
	for i, s := range l.Footer {
		border := ""
		if i == 0 {
			border = `<w:pBdr><w:top w:val="single" w:sz="4" w:space="3" w:color="777777"/></w:pBdr>`
		}
		b.WriteString(`<w:p><w:pPr><w:pStyle w:val="Footer"/>` + border + `</w:pPr>` + docxRun(Run{Text: s}, "") + "</w:p>")
	}
	b.WriteString("</w:ftr>\n")
	return b.String()
}
