// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"context"
	"fmt"
)

// pieces turns the documents of the input into what can be evidence.
func (c *Checker) pieces(ctx context.Context, s *compiled, in Input, p people, day string) ([]piece, error) {
	var out []piece
	ids := map[string]bool{}
	for i, d := range in.Documents {
		id := documentID(d, i)
		if ids[id] {
			id = fmt.Sprintf("%s#%d", id, i+1)
		}
		ids[id] = true
		d.ID = id
		if d.Content == nil {
			out = append(out, c.declared(d))
			continue
		}
		read, err := c.read(ctx, s, d, p, day)
		if err != nil {
			return nil, err
		}
		out = append(out, read...)
	}
	joinPaySlips(out, day)
	return out, nil
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
	p := piece{
		Document: Document{ID: d.ID, Name: d.Name, Type: d.Type, Person: d.Person, Fields: map[string]string{}, Usable: d.Type != ""},
		person:   d.Person, format: format(d), trusted: d.Type != "", confidence: 1, types: c.config.Catalog.types.typesOf(d.Type),
	}
	for k, v := range d.Fields {
		p.Fields[k] = v
	}
	if date := d.Fields["date"]; date != "" && validateDate(date) == nil {
		p.date = date
	}
	if d.Type == "" {
		p.Problem = "Das Dokument hat weder eine Art noch einen Inhalt."
		p.unreadable, p.code = true, codeUnreadable
	}
	return p
}

func format(d InputDocument) string {
	if d.Format != "" {
		return d.Format
	}
	return d.MediaType
}

// read turns a file into pieces.
func (c *Checker) read(ctx context.Context, s *compiled, d InputDocument, p people, day string) ([]piece, error) {
	return []piece{c.declared(d)}, ctx.Err()
}
