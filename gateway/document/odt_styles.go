// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// odtStyles is styles.xml: named styles a person can change in one place, the two
// page styles, and what stands at the head and foot of the pages.
func odtStyles(l Letter) string {
	var b strings.Builder
	b.WriteString(xmlHead + "<office:document-styles" + odtNamespaces + ">\n" + odtFonts + "<office:styles>\n")
	b.WriteString(odtDefaults(l.Lang))
	b.WriteString(strings.NewReplacer("RETURN", points(returnSize(l)), "RECIPIENT", points(recipientSize(l)), "LEADING", points(1.172*recipientSize(l))).Replace(odtNamed))
	b.WriteString("</office:styles>\n<office:automatic-styles>\n")
	fmt.Fprintf(&b, odtPages, subjectTop(l), 8+4*len(l.Footer), 8+4*len(l.Footer))
	b.WriteString("</office:automatic-styles>\n<office:master-styles>\n")
	b.WriteString(`<style:master-page style:name="Standard" style:page-layout-name="Next"/>` + "\n")
	b.WriteString(`<style:master-page style:name="First" style:display-name="Erste Seite" style:page-layout-name="Top" style:next-style-name="Following">`)
	b.WriteString("<style:footer>" + odtFooter(l) + "</style:footer></style:master-page>\n")
	b.WriteString(`<style:master-page style:name="Following" style:display-name="Folgeseite" style:page-layout-name="Next"><style:header>`)
	b.WriteString(odtRunning(l) + "</style:header><style:footer>" + odtFooter(l) + "</style:footer></style:master-page>\n")
	b.WriteString("</office:master-styles></office:document-styles>\n")
	return b.String()
}

// points writes a type size.
func points(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

const odtFonts = `<office:font-face-decls><style:font-face style:name="Letter" svg:font-family="'Liberation Sans', Arial" style:font-family-generic="swiss" style:font-pitch="variable"/></office:font-face-decls>` + "\n"

// odtDefaults sets language, font and size of everything.
func odtDefaults(lang string) string {
	base, country := langParts(lang)
	return `<style:default-style style:family="graphic"><style:graphic-properties draw:fill="none" draw:stroke="none"/></style:default-style>
<style:default-style style:family="paragraph"><style:paragraph-properties fo:orphans="2" fo:widows="2" style:tab-stop-distance="12.5mm" style:writing-mode="page"/><style:text-properties style:font-name="Letter" fo:font-size="11pt" fo:language="` + base + `" fo:country="` + country + `" fo:hyphenate="false"/></style:default-style>
<style:default-style style:family="table"><style:table-properties table:border-model="collapsing"/></style:default-style>
`
}

// langParts splits a BCP 47 tag as ODF wants it.
func langParts(tag string) (base, country string) {
	t, err := language.Parse(tag)
	if err != nil {
		return "de", "DE"
	}
	b, _ := t.Base()
	country = "none"
	if r, c := t.Region(); c != language.No {
		country = r.String()
	}
	return b.String(), country
}

const odtNamed = `<style:style style:name="Standard" style:family="paragraph"/>
<style:style style:name="Text_20_body" style:display-name="Text body" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:margin-bottom="3mm" fo:line-height="119%"/></style:style>
<style:style style:name="Text_20_keep" style:display-name="Text, zusammenhalten" style:family="paragraph" style:parent-style-name="Text_20_body"><style:paragraph-properties fo:keep-with-next="always"/></style:style>
<style:style style:name="List" style:family="paragraph" style:parent-style-name="Text_20_body"><style:paragraph-properties fo:margin-bottom="1.5mm"/></style:style>
<style:style style:name="Heading" style:family="paragraph" style:parent-style-name="Standard" style:next-style-name="Text_20_body"><style:paragraph-properties fo:margin-top="5mm" fo:margin-bottom="1.6mm" fo:keep-with-next="always"/><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="Subject" style:display-name="Betreff" style:family="paragraph" style:parent-style-name="Standard" style:next-style-name="Text_20_body" style:default-outline-level="1"><style:paragraph-properties fo:margin-bottom="7mm" fo:keep-with-next="always"/><style:text-properties fo:font-weight="bold" fo:font-size="12pt"/></style:style>
<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="paragraph" style:parent-style-name="Heading" style:default-outline-level="1"><style:text-properties fo:font-size="12pt"/></style:style>
<style:style style:name="Heading_20_2" style:display-name="Heading 2" style:family="paragraph" style:parent-style-name="Heading" style:default-outline-level="2"><style:text-properties fo:font-size="12pt"/></style:style>
<style:style style:name="Heading_20_3" style:display-name="Heading 3" style:family="paragraph" style:parent-style-name="Heading" style:default-outline-level="3"/>
<style:style style:name="Heading_20_4" style:display-name="Heading 4" style:family="paragraph" style:parent-style-name="Heading" style:default-outline-level="4"><style:text-properties fo:font-style="italic"/></style:style>
<style:style style:name="Authority" style:display-name="Briefkopf Behörde" style:family="paragraph" style:parent-style-name="Standard"><style:text-properties fo:font-size="15pt" fo:font-weight="bold"/></style:style>
<style:style style:name="Department" style:display-name="Briefkopf Amt" style:family="paragraph" style:parent-style-name="Standard"><style:text-properties fo:font-weight="bold" fo:font-size="10pt"/></style:style>
<style:style style:name="Head" style:display-name="Briefkopf Zeile" style:family="paragraph" style:parent-style-name="Standard"><style:text-properties fo:font-size="9pt"/></style:style>
<style:style style:name="Draft" style:display-name="Entwurfsvermerk" style:family="paragraph" style:parent-style-name="Standard"><style:text-properties fo:color="#a01010" fo:font-weight="bold" fo:font-size="10pt"/></style:style>
<style:style style:name="Return" style:display-name="Rücksendeangabe" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:margin-bottom="1mm"/><style:text-properties fo:font-size="RETURNpt"/></style:style>
<style:style style:name="Recipient" style:display-name="Anschrift" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:line-height="LEADINGpt"/><style:text-properties fo:font-size="RECIPIENTpt"/></style:style>
<style:style style:name="Info" style:display-name="Informationsblock" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:margin-left="29mm" fo:text-indent="-29mm" fo:line-height="12pt"><style:tab-stops><style:tab-stop style:position="0mm"/></style:tab-stops></style:paragraph-properties><style:text-properties fo:font-size="9pt"/></style:style>
<style:style style:name="Table_20_Caption" style:display-name="Table Caption" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:margin-top="2mm" fo:margin-bottom="1mm" fo:keep-with-next="always"/><style:text-properties fo:font-weight="bold" fo:font-size="10pt"/></style:style>
<style:style style:name="Table_20_Contents" style:display-name="Table Contents" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:line-height="113%"/><style:text-properties fo:font-size="10pt"/></style:style>
<style:style style:name="Table_20_Heading" style:display-name="Table Heading" style:family="paragraph" style:parent-style-name="Table_20_Contents"><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="Footer" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:line-height="3.6mm"/><style:text-properties fo:font-size="8pt" fo:color="#333333"/></style:style>
<style:style style:name="Page_20_number" style:display-name="Seitenzahl" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:text-align="end" fo:margin-bottom="1.5mm"/><style:text-properties fo:font-size="9pt"/></style:style>
<style:style style:name="Footer_20_first" style:display-name="Fußzeile, erste" style:family="paragraph" style:parent-style-name="Footer"><style:paragraph-properties fo:border-top="0.5pt solid #777777" fo:padding-top="1mm"/></style:style>
<style:style style:name="Header" style:family="paragraph" style:parent-style-name="Standard"><style:paragraph-properties fo:border-bottom="0.5pt solid #777777" fo:padding-bottom="1mm"/><style:text-properties fo:font-size="9pt" fo:color="#333333"/></style:style>
<style:style style:name="Strong" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="Emphasis" style:family="text"><style:text-properties fo:font-style="italic"/></style:style>
<style:style style:name="Strong_20_Emphasis" style:display-name="Strong Emphasis" style:family="text"><style:text-properties fo:font-weight="bold" fo:font-style="italic"/></style:style>
<style:style style:name="DraftText" style:display-name="Entwurf" style:family="text"><style:text-properties fo:color="#a01010" fo:font-weight="bold"/></style:style>
<style:style style:name="Box" style:family="graphic"><style:graphic-properties draw:fill="none" draw:stroke="none" fo:border="none" fo:padding="0mm" fo:margin="0mm" style:wrap="run-through" style:run-through="foreground" style:number-wrapped-paragraphs="no-limit" style:vertical-pos="from-top" style:vertical-rel="page" style:horizontal-pos="from-left" style:horizontal-rel="page"/></style:style>
<style:style style:name="Box_20_bottom" style:display-name="Box bottom" style:family="graphic" style:parent-style-name="Box"><style:graphic-properties draw:textarea-vertical-align="bottom"/></style:style>
<text:list-style style:name="Bullets"><text:list-level-style-bullet text:level="1" text:bullet-char="•"><style:list-level-properties text:list-level-position-and-space-mode="label-alignment"><style:list-level-label-alignment text:label-followed-by="listtab" text:list-tab-stop-position="6mm" fo:margin-left="6mm" fo:text-indent="-6mm"/></style:list-level-properties></text:list-level-style-bullet></text:list-style>
<text:list-style style:name="Numbers"><text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."><style:list-level-properties text:list-level-position-and-space-mode="label-alignment"><style:list-level-label-alignment text:label-followed-by="listtab" text:list-tab-stop-position="8mm" fo:margin-left="8mm" fo:text-indent="-8mm"/></style:list-level-properties></text:list-level-style-number></text:list-style>
`

// odtParts are the styles of cells, rows and marks. They stand in content.xml:
// LibreOffice knows cell and shape styles only as automatic ones.
const odtParts = `<style:style style:name="Mark" style:display-name="Falzmarke" style:family="graphic"><style:graphic-properties draw:stroke="solid" svg:stroke-width="0.12mm" svg:stroke-color="#666666" style:wrap="run-through" style:run-through="background" style:vertical-pos="from-top" style:vertical-rel="page" style:horizontal-pos="from-left" style:horizontal-rel="page"/></style:style>
<style:style style:name="Row" style:family="table-row"><style:table-row-properties fo:keep-together="always"/></style:style>
<style:style style:name="Cell" style:family="table-cell"><style:table-cell-properties fo:padding="1.1mm" fo:border-top="none" fo:border-left="none" fo:border-right="none" fo:border-bottom="0.5pt solid #777777"/></style:style>
<style:style style:name="HeadCell" style:family="table-cell"><style:table-cell-properties fo:padding="1.1mm" fo:background-color="#f0f2f4" fo:border-top="none" fo:border-left="none" fo:border-right="none" fo:border-bottom="1pt solid #222222"/></style:style>
`

// odtPages takes the start of the subject and twice the height of the foot.
const odtPages = `<style:page-layout style:name="Top"><style:page-layout-properties fo:page-width="210mm" fo:page-height="297mm" fo:margin-top="%.2fmm" fo:margin-bottom="10mm" fo:margin-left="25mm" fo:margin-right="20mm"/><style:footer-style><style:header-footer-properties fo:min-height="%dmm" fo:margin-top="4mm"/></style:footer-style></style:page-layout>
<style:page-layout style:name="Next"><style:page-layout-properties fo:page-width="210mm" fo:page-height="297mm" fo:margin-top="12mm" fo:margin-bottom="10mm" fo:margin-left="25mm" fo:margin-right="20mm"/><style:header-style><style:header-footer-properties fo:min-height="6mm" fo:margin-bottom="8mm"/></style:header-style><style:footer-style><style:header-footer-properties fo:min-height="%dmm" fo:margin-top="4mm"/></style:footer-style></style:page-layout>
`

func odtFooter(l Letter) string {
	var b strings.Builder
	b.WriteString(`<text:p text:style-name="Page_20_number">Seite` + bound + `<text:page-number text:select-page="current">1</text:page-number> von` + bound + `<text:page-count>1</text:page-count></text:p>`)
	for i, s := range l.Footer {
		style := "Footer"
		if i == 0 {
			style = "Footer_20_first"
		}
		b.WriteString(`<text:p text:style-name="` + style + `">` + odtText(s) + `</text:p>`)
	}
	return b.String()
}

func odtRunning(l Letter) string {
	draft := ""
	if l.Draft {
		draft = `<text:span text:style-name="DraftText">` + esc(DraftNotice) + `</text:span> · `
	}
	return `<text:p text:style-name="Header">` + draft + odtText(l.Running) + `</text:p>`
}
