// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package pdf writes tagged PDF files that carry the marks of PDF/UA-1 and PDF/A-2a
// (PDF/A-3a with an attachment): structure tree, embedded fonts, metadata, colour
// profile. It knows no letters and breaks no lines; its caller says where text
// stands and what it is.
//
// Start at [New]; add fonts, pages and the elements of the structure, then
// [File.Write]. Everything on a page is either content of an element
// ([Page.Marked]) or an artifact ([Page.Artifact]). The same calls give the same
// bytes.
package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/document/internal/truetype"
)

// File is a document being built.
type File struct {
	// Title, Author and Lang are metadata; PDF/UA wants title and language.
	Title, Author, Lang string
	// Created is left out when zero.
	Created time.Time
	// Attachment is an associated file, or nil.
	Attachment *Attachment

	root  *Elem
	pages []*Page
	fonts []*Font
}

// Attachment is a file embedded in the document.
type Attachment struct {
	Name, MediaType, Description string
	Data                         []byte
}

// New returns an empty file whose structure is one Document element.
func New() *File { return &File{root: &Elem{tag: "Document"}} }

// Root is the Document element.
func (f *File) Root() *Elem { return f.root }

// AddFont makes a font available; only glyphs that are used are embedded.
func (f *File) AddFont(name string, t *truetype.Font) *Font {
	font := &Font{name: name, key: "F" + strconv.Itoa(len(f.fonts)+1), face: t, glyphs: []uint16{0}, runes: []rune{0}, ids: map[rune]uint16{}}
	f.fonts = append(f.fonts, font)
	return font
}

// AddPage appends a page of the given size in points.
func (f *File) AddPage(width, height float64) *Page {
	p := &Page{width: width, height: height, index: len(f.pages)}
	f.pages = append(f.pages, p)
	return p
}

// Write writes the whole file.
func (f *File) Write(w io.Writer) error {
	b := builder{}
	catalog, info := b.reserve(), b.reserve()
	pages := f.writePages(&b)
	tree := f.writeStructure(&b, pages.ids)
	meta := b.stream("/Type /Metadata /Subtype /XML", []byte(f.xmp()), false)
	intent := b.outputIntent()
	extra := f.writeAttachment(&b)
	b.set(info, f.info())
	b.set(catalog, fmt.Sprintf("<< /Type /Catalog /Pages %s /MarkInfo << /Marked true >> /Lang %s /ViewerPreferences << /DisplayDocTitle true >> /StructTreeRoot %s /Metadata %s /OutputIntents [ %s ]%s >>",
		pages.root, literal(f.Lang), tree, meta, intent, extra))
	for _, font := range f.fonts {
		if err := font.write(&b); err != nil {
			return err
		}
	}
	return b.write(w, catalog, info)
}

// ref is the number of an object.
type ref int

func (r ref) String() string { return strconv.Itoa(int(r)) + " 0 R" }

// builder collects the objects of a file.
type builder struct {
	objects [][]byte
	// deflate is made once: it needs much memory.
	deflate *zlib.Writer
}

func (b *builder) reserve() ref {
	b.objects = append(b.objects, nil)
	return ref(len(b.objects))
}

func (b *builder) set(r ref, s string) { b.objects[r-1] = []byte(s) }

func (b *builder) add(s string) ref {
	r := b.reserve()
	b.set(r, s)
	return r
}

// stream adds a stream object with the entries dict, compressed on demand.
func (b *builder) stream(dict string, data []byte, compress bool) ref {
	r := b.reserve()
	b.setStream(r, dict, data, compress)
	return r
}

func (b *builder) setStream(r ref, dict string, data []byte, compress bool) {
	filter := ""
	if compress {
		data, filter = b.compress(data), " /Filter /FlateDecode"
	}
	var o bytes.Buffer
	fmt.Fprintf(&o, "<< %s /Length %d%s >>\nstream\n", dict, len(data), filter)
	o.Write(data)
	o.WriteString("\nendstream")
	b.objects[r-1] = o.Bytes()
}

func (b *builder) compress(data []byte) []byte {
	var z bytes.Buffer
	if b.deflate == nil {
		b.deflate = zlib.NewWriter(&z)
	}
	b.deflate.Reset(&z)
	_, _ = b.deflate.Write(data) // a buffer takes everything
	_ = b.deflate.Close()
	return z.Bytes()
}

func (b *builder) write(w io.Writer, catalog, info ref) error {
	var o bytes.Buffer
	o.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(b.objects))
	for i, body := range b.objects {
		offsets[i] = o.Len()
		fmt.Fprintf(&o, "%d 0 obj\n", i+1)
		o.Write(body)
		o.WriteString("\nendobj\n")
	}
	id := sha256.Sum256(o.Bytes())
	table := o.Len()
	fmt.Fprintf(&o, "xref\n0 %d\n0000000000 65535 f \n", len(b.objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&o, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&o, "trailer\n<< /Size %d /Root %s /Info %s /ID [ <%x> <%x> ] >>\nstartxref\n%d\n%%%%EOF\n",
		len(b.objects)+1, catalog, info, id[:16], id[:16], table)
	if _, err := w.Write(o.Bytes()); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

type pageRefs struct {
	root ref
	ids  []ref
}

func (f *File) writePages(b *builder) pageRefs {
	out := pageRefs{root: b.reserve()}
	var fonts, kids bytes.Buffer
	for _, font := range f.fonts {
		font.ref = b.reserve()
		fmt.Fprintf(&fonts, "/%s %s ", font.key, font.ref)
	}
	for i, p := range f.pages {
		content := b.stream("", p.content.Bytes(), true)
		id := b.add(fmt.Sprintf("<< /Type /Page /Parent %s /MediaBox [ 0 0 %s %s ] /Resources << /Font << %s>> >> /Contents %s /StructParents %d /Tabs /S >>",
			out.root, num(p.width), num(p.height), fonts.String(), content, i))
		out.ids = append(out.ids, id)
		kids.WriteString(id.String() + " ")
	}
	b.set(out.root, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s] >>", len(f.pages), kids.String()))
	return out
}

// writeAttachment adds the associated file and returns the catalog's entries for it.
func (f *File) writeAttachment(b *builder) string {
	a := f.Attachment
	if a == nil {
		return ""
	}
	dates := ""
	if !f.Created.IsZero() {
		dates = " /ModDate " + literal(pdfDate(f.Created))
	}
	file := b.stream(fmt.Sprintf("/Type /EmbeddedFile /Subtype %s /Params << /Size %d%s >>", name(a.MediaType), len(a.Data), dates), a.Data, true)
	spec := b.add(fmt.Sprintf("<< /Type /Filespec /F %s /UF %s /Desc %s /AFRelationship /Data /EF << /F %s /UF %s >> >>",
		text(a.Name), text(a.Name), text(a.Description), file, file))
	return fmt.Sprintf(" /AF [ %s ] /Names << /EmbeddedFiles << /Names [ %s %s ] >> >>", spec, text(a.Name), spec)
}
