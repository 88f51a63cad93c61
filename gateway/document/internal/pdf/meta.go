// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

const producer = "KI-Schleuse"

// info is the old metadata; it says the same as the XMP packet.
func (f *File) info() string {
	var b strings.Builder
	b.WriteString("<< /Title " + text(f.Title) + " /Producer " + text(producer))
	if f.Author != "" {
		b.WriteString(" /Author " + text(f.Author))
	}
	if !f.Created.IsZero() {
		b.WriteString(" /CreationDate " + literal(pdfDate(f.Created)))
	}
	return b.String() + " >>"
}

// xmp is the metadata packet. PDF/A wants the PDF/UA property described, because it
// does not know it.
func (f *File) xmp() string {
	part := 2
	if f.Attachment != nil {
		part = 3
	}
	author, created := "", ""
	if f.Author != "" {
		author = "<dc:creator><rdf:Seq><rdf:li>" + xmlText(f.Author) + "</rdf:li></rdf:Seq></dc:creator>"
	}
	if !f.Created.IsZero() {
		created = "<xmp:CreateDate>" + f.Created.UTC().Format(time.RFC3339) + "</xmp:CreateDate>"
	}
	return fmt.Sprintf(xmpPacket, xmlText(f.Title), author, xmlText(f.Lang), created, producer, part)
}

const xmpPacket = "<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
	`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>%s<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">%s<pdf:Producer>%s</pdf:Producer></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>%d</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema><pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Part of ISO 14289 the file follows</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`

func xmlText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

func (b *builder) outputIntent() ref {
	profile := b.stream("/N 3", sRGB(), true)
	return b.add(fmt.Sprintf("<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB IEC61966-2.1) /DestOutputProfile %s >>", profile))
}

// sRGB computes an ICC profile, version 2.1: the primaries of IEC 61966-2-1 adapted
// to D50, and its transfer curve at 1024 points. Nobody writes to the result.
var sRGB = sync.OnceValue(func() []byte {
	curve := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), 1024)
	for i := range 1024 {
		curve = binary.BigEndian.AppendUint16(curve, uint16(math.Round(65535*linear(float64(i)/1023))))
	}
	type tag struct {
		names []string
		data  []byte
	}
	tags := []tag{
		{[]string{"desc"}, iccDescription("sRGB")},
		{[]string{"cprt"}, append([]byte("text\x00\x00\x00\x00"), "CC0\x00"...)},
		{[]string{"wtpt"}, iccXYZ(0.9505, 1, 1.0891)},
		{[]string{"rXYZ"}, iccXYZ(0.43607, 0.22249, 0.01392)},
		{[]string{"gXYZ"}, iccXYZ(0.38515, 0.71687, 0.09708)},
		{[]string{"bXYZ"}, iccXYZ(0.14307, 0.06061, 0.71410)},
		{[]string{"rTRC", "gTRC", "bTRC"}, curve},
	}
	const count = 9
	var table, body []byte
	for _, t := range tags {
		at := 128 + 4 + 12*count + len(body)
		for _, n := range t.names {
			table = append(table, n...)
			table = binary.BigEndian.AppendUint32(table, uint32(at))
			table = binary.BigEndian.AppendUint32(table, uint32(len(t.data)))
		}
		body = append(body, t.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	out := iccHeader(128 + 4 + len(table) + len(body))
	out = binary.BigEndian.AppendUint32(out, count)
	return append(append(out, table...), body...)
})

// linear undoes the transfer curve of sRGB.
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func iccHeader(size int) []byte {
	h := make([]byte, 128)
	binary.BigEndian.PutUint32(h, uint32(size))
	binary.BigEndian.PutUint32(h[8:], 0x02100000)
	copy(h[12:], "mntrRGB XYZ ")
	for i, v := range []uint16{2026, 1, 1} {
		binary.BigEndian.PutUint16(h[24+2*i:], v)
	}
	copy(h[36:], "acsp")
	copy(h[68:], iccXYZ(0.9642, 1, 0.8249)[8:])
	return h
}

func iccXYZ(v ...float64) []byte {
	b := []byte("XYZ \x00\x00\x00\x00")
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, uint32(math.Round(x*65536)))
	}
	return b
}

// iccDescription is the text in ASCII; its Unicode and script forms stay empty.
func iccDescription(s string) []byte {
	b := binary.BigEndian.AppendUint32([]byte("desc\x00\x00\x00\x00"), uint32(len(s)+1))
	b = append(append(b, s...), 0)
	return append(b, make([]byte, 4+4+2+1+67)...)
}
