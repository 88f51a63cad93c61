// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

const (
	// maxAttached is how deep e-mails inside e-mails are opened.
	maxAttached = 2
	// maxParallel is how many files of one check are read at the same time.
	maxParallel = 4
)

// pieces turns the documents of the input into what can be evidence. Files are
// read side by side; the order of the input is kept.
func (c *Checker) pieces(ctx context.Context, s *compiled, in Input, p people, day string) ([]piece, error) {
	read := make([][]piece, len(in.Documents))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for i, d := range identified(in.Documents) {
		if d.Content == nil {
			read[i] = []piece{c.declared(d)}
			continue
		}
		group.Go(func() (err error) {
			read[i], err = c.read(ctx, d, p, day, 0)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := slices.Concat(read...)
	c.pictures(s, out)
	joinPaySlips(out, day)
	return out, nil
}

// identified gives every document an id of its own.
func identified(documents []InputDocument) []InputDocument {
	out := slices.Clone(documents)
	ids := map[string]bool{}
	for i := range out {
		id := documentID(out[i], i)
		if ids[id] {
			id = fmt.Sprintf("%s#%d", id, i+1)
		}
		ids[id] = true
		out[i].ID = id
	}
	return out
}

func documentID(d InputDocument, i int) string {
	switch {
	case d.ID != "":
		return d.ID
	case d.Name != "":
		return d.Name
	}
	return fmt.Sprintf("dokument-%d", i+1)
}

// declared is a document the caller describes and keeps: its type is trusted.
func (c *Checker) declared(d InputDocument) piece {
	p := c.empty(d)
	p.Usable = d.Type != ""
	if d.Type == "" {
		p.fail(codeUnreadable, "Das Dokument hat weder eine Art noch einen Inhalt.")
		p.unreadable = true
	}
	return p
}

// empty is a piece with what the caller said about it.
func (c *Checker) empty(d InputDocument) piece {
	p := piece{
		Document: Document{ID: d.ID, Name: d.Name, Type: d.Type, Person: d.Person, Fields: map[string]string{}},
		person:   d.Person, format: d.Format, trusted: d.Type != "", confidence: 1,
	}
	if p.format == "" {
		p.format = d.MediaType
	}
	if d.Type != "" {
		p.types = c.config.Catalog.types.typesOf(d.Type)
	}
	maps.Copy(p.Fields, d.Fields)
	if date := d.Fields["date"]; date != "" && validateDate(date) == nil {
		p.date = date
	}
	return p
}

func (p *piece) fail(code, problem string) {
	p.Usable, p.code, p.Problem = false, code, problem
}

// read turns a file into pieces.
func (c *Checker) read(ctx context.Context, d InputDocument, who people, day string, depth int) ([]piece, error) {
	if c.config.Reader == nil {
		return []piece{c.unread(d, extract.ErrUnsupported)}, nil
	}
	t, err := c.config.Reader.Read(ctx, d.Name, d.Content)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("read document: %w", ctx.Err())
	}
	if err != nil {
		return []piece{c.unread(d, err)}, nil
	}
	if d.Format == "" {
		d.Format = t.MediaType // the content knows better than the sender
	}
	if t.MediaType == "message/rfc822" {
		return c.mail(ctx, d, t, who, day, depth)
	}
	types := c.config.Catalog.types
	parts := types.split(t.Pages)
	if d.Type != "" {
		parts = []part{{guess: guess{docType: d.Type, confidence: 1}, pages: t.Pages}}
	}
	var out []piece
	for _, part := range parts {
		out = append(out, c.recognised(d, part, t.OCR, len(parts) > 1, who, day))
	}
	return out, nil
}

// unread is a file that could not be read.
func (c *Checker) unread(d InputDocument, err error) piece {
	p := c.empty(d)
	p.unreadable = true
	switch {
	case errors.Is(err, extract.ErrEncrypted):
		p.fail("locked", "Die Datei ist verschlüsselt oder mit einem Kennwort geschützt.")
	case errors.Is(err, extract.ErrUnsupported):
		p.fail(codeUnreadable, "Dieses Dateiformat kann hier nicht gelesen werden.")
	case errors.Is(err, extract.ErrTooLarge):
		p.fail(codeUnreadable, "Die Datei ist zu groß.")
	case errors.Is(err, extract.ErrUnreadable):
		p.fail(codeUnreadable, "In der Datei ist kein lesbarer Text.")
		p.textless = true
	default:
		p.fail(codeUnreadable, "Die Datei ist beschädigt und kann nicht gelesen werden.")
	}
	return p
}

// mail is the message itself and its attachments.
func (c *Checker) mail(ctx context.Context, d InputDocument, t extract.Text, who people, day string, depth int) ([]piece, error) {
	p := c.empty(d)
	p.Type, p.types, p.Usable = "email", []string{"email"}, true
	out := []piece{p}
	if depth >= maxAttached {
		return out, nil
	}
	for i, a := range t.Attachments {
		id := fmt.Sprintf("%s/%s", d.ID, a.Name)
		if a.Name == "" {
			id = fmt.Sprintf("%s/anlage-%d", d.ID, i+1)
		}
		read, err := c.read(ctx, InputDocument{ID: id, Name: a.Name, Content: a.Data}, who, day, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, read...)
	}
	return out, nil
}

// recognised is one document found in a file.
func (c *Checker) recognised(d InputDocument, found part, ocr, several bool, who people, day string) piece {
	p := c.empty(d)
	p.ocr, p.several, p.confidence = ocr, several, found.confidence
	if several && len(found.pages) > 0 {
		p.Pages = [2]int{found.pages[0].Number, found.pages[len(found.pages)-1].Number}
	}
	p.Type = found.docType
	if p.Type == "" {
		p.types = nil
		p.fail(codeUnknownType, "Die Art des Dokuments wurde nicht erkannt.")
		return p
	}
	p.Usable = true
	p.types = c.config.Catalog.types.typesOf(p.Type)
	spec, _ := c.config.Catalog.types.get(p.Type)
	if p.Type == "kontoauszug_miete" {
		spec, _ = c.config.Catalog.types.get("kontoauszug")
	}
	values := fieldsOf(spec.Fields, found.pages)
	p.places = values
	for name, v := range values {
		if _, given := p.Fields[name]; !given {
			p.Fields[name] = v.text
		}
	}
	if p.date == "" {
		p.date = values["datum"].text
	}
	for _, need := range spec.Needs {
		if p.Fields[need] == "" && !(need == "datum" && p.date != "") {
			p.unproven = append(p.unproven, need)
		}
	}
	p.assign(d, spec, found, who)
	p.judge(spec, fold(text(found.pages)), day)
	return p
}

// pictures takes files without any text for the kind of document that has none
// (Lichtbild), when the service asks for one. A person has to look at them.
func (c *Checker) pictures(s *compiled, pieces []piece) {
	for _, r := range s.Evidence {
		for _, accepted := range r.Accepts {
			spec, ok := c.config.Catalog.types.get(accepted)
			if !ok || !spec.Textless || countOf(accepted, "", true, pieces) > 0 {
				continue
			}
			for i, p := range pieces {
				if p.textless && (p.Type == "" || p.Type == accepted) {
					pieces[i].Type, pieces[i].types = accepted, []string{accepted}
					pieces[i].Usable, pieces[i].unreadable, pieces[i].assumed = true, false, !p.trusted
					pieces[i].code, pieces[i].Problem, pieces[i].confidence = "", "", 0.5
					break
				}
			}
		}
	}
}
