// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package document is the block model of a letter and its writers: ODT, DOCX,
// tagged PDF and HTML. One model, four faithful renderings of the same content
// and reading order. It knows nothing about law or drafting, and it is no general
// layout engine: it sets German business letters.
//
// Start at [Letter]; then [WritePDF], [WriteODT], [WriteDOCX], [WriteHTML]. Every
// writer first calls prepare, which bounds, cleans and completes the letter, so
// that no writer meets anything it cannot set. The same letter gives the same
// bytes, always.
package document

import "time"

// Letter is a business letter after DIN 5008 Form B.
type Letter struct {
	// Lang is a BCP 47 tag, usually "de-DE". Title is the document title.
	Lang, Title string
	// Author is the authority, as document metadata; empty means the letterhead's.
	Author string
	// Created goes into the metadata; the zero time leaves it out. No writer asks
	// the clock.
	Created time.Time
	// Letterhead is shown at the top of the first page.
	Letterhead Letterhead
	// ReturnLine is the small line above the address (Rücksendeangabe).
	ReturnLine string
	// Recipient holds up to six lines of the address field.
	Recipient []string
	// Info is the reference block (Informationsblock): label and value.
	Info []Pair
	// Subject is the Betreff, without the word.
	Subject string
	// Body in reading order.
	Body []Block
	// Running is the short text at the head of the following pages; empty means
	// authority and title.
	Running string
	// Footer lines of every page (contact, bank), up to four.
	Footer []string
	// Draft marks the letter as an unreleased draft on every page.
	Draft bool
	// Attachment is machine-readable data embedded where the format allows (PDF/A-3).
	Attachment *Attachment
}

// Letterhead is the head of the first page.
type Letterhead struct {
	Authority, Department string
	Lines                 []string
}

// Pair is a label and a value.
type Pair struct{ Label, Value string }

// Attachment is a file embedded in the document.
type Attachment struct {
	Name, MediaType, Description string
	Data                         []byte
}

// Block is a Paragraph, Heading, List or Table.
type Block interface{ block() }

// Paragraph is running text. A line feed in a run is a line break.
type Paragraph struct {
	Runs []Run
	// KeepWithNext keeps the paragraph and the start of the next block on one page.
	KeepWithNext bool
}

// Heading inside the letter, Level 1 to 3. A level that skips one is raised: the
// outline of a document has no holes.
type Heading struct {
	Level int
	Text  string
}

// List is numbered or bulleted; an item is itself blocks (Paragraphs only).
type List struct {
	Ordered bool
	Items   [][]Paragraph
}

// Table has a header row. Widths are relative; empty means equal.
type Table struct {
	Caption string
	Header  []string
	Rows    [][]string
	Widths  []int
}

// Run is text in one style.
type Run struct {
	Text   string
	Strong bool
	Emph   bool
}

func (Paragraph) block() {}
func (Heading) block()   {}
func (List) block()      {}
func (Table) block()     {}

// Text is a paragraph of one plain run.
func Text(s string) Paragraph { return Paragraph{Runs: []Run{{Text: s}}} }
