// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of one XML file.
const (
	maxDepth  = 64
	maxTokens = 20_000_000
)

// xml reads the format gii-norm: <dokumente> with one <norm> per § and one for
// the statute as a whole.
func (im *importer) xml(data []byte) error {
	if err := refuseEntities(data); err != nil {
		return err
	}
	x := xmlReader{dec: xml.NewDecoder(bytes.NewReader(data))}
	root := false
	for {
		tok, err := x.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "dokumente":
			root = true
		case "norm":
			if !root {
				return errors.New("norm outside of dokumente")
			}
			n, err := x.norm()
			if err != nil {
				return err
			}
			if err := im.addNorm(n); err != nil {
				return err
			}
		}
	}
	if !root {
		return errors.New("not in the format gii-norm")
	}
	return nil
}

// refuseEntities refuses a DOCTYPE with an internal subset; the official files
// have none.
func refuseEntities(data []byte) error {
	head := data[:min(len(data), 4096)]
	i := bytes.Index(head, []byte("<!DOCTYPE"))
	if i < 0 {
		return nil
	}
	end := bytes.IndexByte(head[i:], '>')
	if end < 0 || bytes.IndexByte(head[i:i+end], '[') >= 0 {
		return errors.New("DOCTYPE with internal subset")
	}
	return nil
}

// norm is one element <norm>.
type norm struct {
	jurabk, amtabk, short, long string
	enbez, title                string
	stand                       []string
	paragraphs                  []string
}

func (im *importer) addNorm(n norm) error {
	jurabk := cmp.Or(n.jurabk, n.amtabk)
	if jurabk == "" {
		return errors.New("norm without jurabk")
	}
	s := im.statute(jurabk)
	if s.Title == "" {
		s.Title = cmp.Or(n.short, n.long)
	}
	for _, alias := range []string{n.amtabk, n.short} {
		if alias != "" && alias != s.Abbr && !slices.Contains(s.Aliases, alias) {
			s.Aliases = append(s.Aliases, alias)
		}
	}
	if stand := latestChange(n.stand); stand > s.Stand {
		s.Stand = stand
	}
	if n.enbez == "" {
		return nil
	}
	sec := Section{Number: n.enbez, Heading: n.title, Text: strings.Join(n.paragraphs, "\n\n")}
	return im.add(s, sec, n.paragraphs)
}

// xmlReader is a decoder with bounded depth and length.
type xmlReader struct {
	dec    *xml.Decoder
	depth  int
	tokens int
}

func (x *xmlReader) next() (xml.Token, error) {
	tok, err := x.dec.Token()
	if err != nil {
		return nil, err
	}
	if x.tokens++; x.tokens > maxTokens {
		return nil, errors.New("too many elements")
	}
	switch tok.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > maxDepth {
			return nil, fmt.Errorf("nested deeper than %d", maxDepth)
		}
	case xml.EndElement:
		x.depth--
	}
	return tok, nil
}

// children calls visit for each child element until the current one ends.
// visit must consume the child.
func (x *xmlReader) children(visit func(xml.StartElement) error, text func(string)) error {
	for {
		tok, err := x.next()
		if err != nil {
			return unexpectedEnd(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := visit(t); err != nil {
				return err
			}
		case xml.CharData:
			if text != nil {
				text(string(t))
			}
		case xml.EndElement:
			return nil
		}
	}
}

func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (x *xmlReader) skip(xml.StartElement) error { return x.children(x.skip, nil) }

func (x *xmlReader) norm() (norm, error) {
	var n norm
	err := x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "metadaten":
			return x.metadata(&n)
		case "textdaten":
			return x.textData(&n)
		}
		return x.skip(e)
	}, nil)
	return n, err
}

func (x *xmlReader) metadata(n *norm) error {
	fields := map[string]*string{"jurabk": &n.jurabk, "amtabk": &n.amtabk, "kurzue": &n.short, "langue": &n.long, "enbez": &n.enbez, "titel": &n.title}
	return x.children(func(e xml.StartElement) error {
		if e.Name.Local == "standangabe" {
			note, err := x.standNote()
			n.stand = append(n.stand, note)
			return err
		}
		target, wanted := fields[e.Name.Local]
		if !wanted {
			return x.skip(e)
		}
		text, err := x.plain()
		if *target == "" {
			*target = cell(text)
		}
		return err
	}, nil)
}

// standNote joins type and comment: "StandZuletzt geändert durch …".
func (x *xmlReader) standNote() (string, error) {
	var note strings.Builder
	err := x.children(func(xml.StartElement) error {
		text, err := x.plain()
		note.WriteString(cell(text))
		return err
	}, nil)
	return note.String(), err
}

func (x *xmlReader) textData(n *norm) error {
	return x.children(func(e xml.StartElement) error {
		if e.Name.Local != "text" {
			return x.skip(e) // footnotes
		}
		return x.children(func(e xml.StartElement) error {
			if e.Name.Local != "Content" {
				return x.skip(e)
			}
			return x.content(n)
		}, nil)
	}, nil)
}

// content reads the paragraphs; a table becomes one paragraph of its rows.
func (x *xmlReader) content(n *norm) error {
	return x.children(func(e xml.StartElement) error {
		var b textBuilder
		if err := x.flow(&b, e); err != nil {
			return err
		}
		if p := b.String(); p != "" {
			n.paragraphs = append(n.paragraphs, p)
		}
		return nil
	}, nil)
}

// flow writes the text of one element: list items and rows on their own lines.
func (x *xmlReader) flow(b *textBuilder, e xml.StartElement) error {
	switch e.Name.Local {
	case "FnR", "IMG", "kommentar", "pre-footnotes":
		return x.skip(e)
	case "BR":
		b.newline()
	case "DT", "row", "tgroup", "table", "Title":
		b.newline()
	case "entry":
		b.cell()
	case "DD", "LA":
		b.space()
	}
	err := x.children(func(child xml.StartElement) error { return x.flow(b, child) }, b.text)
	switch e.Name.Local {
	case "table", "row", "DL":
		b.newline()
	}
	return err
}

func (x *xmlReader) plain() (string, error) {
	var b textBuilder
	err := x.children(func(e xml.StartElement) error { return x.flow(&b, e) }, b.text)
	return b.String(), err
}

// textBuilder joins text with single spaces and single line ends.
type textBuilder struct {
	b       strings.Builder
	pending string // "", " ", " | " or "\n" before the next text
}

func (t *textBuilder) text(s string) {
	words := strings.Fields(s)
	if len(words) == 0 {
		if s != "" {
			t.space()
		}
		return
	}
	if startsSpace(s) {
		t.space()
	}
	if t.b.Len() > 0 {
		t.b.WriteString(t.pending)
	}
	t.pending = ""
	t.b.WriteString(strings.Join(words, " "))
	if last := s[len(s)-1]; last == ' ' || last == '\n' || last == '\t' || last == '\r' {
		t.space()
	}
}

func (t *textBuilder) space() {
	if t.pending == "" {
		t.pending = " "
	}
}

func (t *textBuilder) newline() { t.pending = "\n" }

func (t *textBuilder) cell() {
	if t.pending != "\n" {
		t.pending = " | "
	}
}

func (t *textBuilder) String() string { return t.b.String() }
