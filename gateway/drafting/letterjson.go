// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// letterJSON is a document.Letter on the wire; its blocks carry their type.
type letterJSON struct {
	Lang       string          `json:"lang"`
	Title      string          `json:"title"`
	Author     string          `json:"author,omitempty"`
	Created    time.Time       `json:"created,omitzero"`
	Letterhead letterheadJSON  `json:"letterhead"`
	ReturnLine string          `json:"return_line"`
	Recipient  []string        `json:"recipient"`
	Info       []pairJSON      `json:"info"`
	Subject    string          `json:"subject"`
	Body       []blockJSON     `json:"body"`
	Running    string          `json:"running,omitempty"`
	Footer     []string        `json:"footer,omitempty"`
	Draft      bool            `json:"draft"`
	Attachment *attachmentJSON `json:"attachment,omitempty"`
}

type letterheadJSON struct {
	Authority  string   `json:"authority"`
	Department string   `json:"department,omitempty"`
	Lines      []string `json:"lines,omitempty"`
}

type pairJSON struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

type attachmentJSON struct {
	Name        string `json:"name"`
	MediaType   string `json:"media_type"`
	Description string `json:"description"`
	Data        []byte `json:"data"`
}

type runJSON struct {
	Text   string `json:"text"`
	Strong bool   `json:"strong,omitempty"`
	Emph   bool   `json:"emph,omitempty"`
}

type paragraphJSON struct {
	Runs         []runJSON `json:"runs"`
	KeepWithNext bool      `json:"keep_with_next,omitempty"`
}

// blockJSON is a paragraph, heading, list or table.
type blockJSON struct {
	Type      string            `json:"type"`
	Paragraph *paragraphJSON    `json:"paragraph,omitempty"`
	Level     int               `json:"level,omitempty"`
	Text      string            `json:"text,omitempty"`
	Ordered   bool              `json:"ordered,omitempty"`
	Items     [][]paragraphJSON `json:"items,omitempty"`
	Caption   string            `json:"caption,omitempty"`
	Header    []string          `json:"header,omitempty"`
	Rows      [][]string        `json:"rows,omitempty"`
	Widths    []int             `json:"widths,omitempty"`
}

// draftFields are the fields of a Draft without its methods.
type draftFields Draft

// MarshalJSON writes the draft with the letter's blocks.
func (d Draft) MarshalJSON() ([]byte, error) {
	letter, err := encodeLetter(d.Letter)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		draftFields
		Letter letterJSON `json:"letter"`
	}{draftFields(d), letter})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Draft) UnmarshalJSON(data []byte) error {
	var in struct {
		*draftFields
		Letter letterJSON `json:"letter"`
	}
	var fields draftFields
	in.draftFields = &fields
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	letter, err := decodeLetter(in.Letter)
	if err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	*d = Draft(fields)
	d.Letter = letter
	return nil
}

func encodeLetter(l document.Letter) (letterJSON, error) {
	out := letterJSON{
		Lang: l.Lang, Title: l.Title, Author: l.Author, Created: l.Created, Letterhead: letterheadJSON(l.Letterhead),
		ReturnLine: l.ReturnLine, Recipient: l.Recipient, Subject: l.Subject, Running: l.Running, Footer: l.Footer, Draft: l.Draft,
	}
	for _, p := range l.Info {
		out.Info = append(out.Info, pairJSON(p))
	}
	if a := l.Attachment; a != nil {
		out.Attachment = &attachmentJSON{Name: a.Name, MediaType: a.MediaType, Description: a.Description, Data: a.Data}
	}
	for _, b := range l.Body {
		block, err := encodeBlock(b)
		if err != nil {
			return letterJSON{}, err
		}
		out.Body = append(out.Body, block)
	}
	return out, nil
}

func encodeBlock(block document.Block) (blockJSON, error) {
	switch b := block.(type) {
	case document.Paragraph:
		p := encodeParagraph(b)
		return blockJSON{Type: "paragraph", Paragraph: &p}, nil
	case document.Heading:
		return blockJSON{Type: "heading", Level: b.Level, Text: b.Text}, nil
	case document.List:
		out := blockJSON{Type: "list", Ordered: b.Ordered}
		for _, item := range b.Items {
			var paragraphs []paragraphJSON
			for _, p := range item {
				paragraphs = append(paragraphs, encodeParagraph(p))
			}
			out.Items = append(out.Items, paragraphs)
		}
		return out, nil
	case document.Table:
		return blockJSON{Type: "table", Caption: b.Caption, Header: b.Header, Rows: b.Rows, Widths: b.Widths}, nil
	}
	return blockJSON{}, fmt.Errorf("unknown block %T", block)
}

func encodeParagraph(p document.Paragraph) paragraphJSON {
	out := paragraphJSON{KeepWithNext: p.KeepWithNext}
	for _, r := range p.Runs {
		out.Runs = append(out.Runs, runJSON(r))
	}
	return out
}

func decodeLetter(in letterJSON) (document.Letter, error) {
	l := document.Letter{
		Lang: in.Lang, Title: in.Title, Author: in.Author, Created: in.Created, Letterhead: document.Letterhead(in.Letterhead),
		ReturnLine: in.ReturnLine, Recipient: in.Recipient, Subject: in.Subject, Running: in.Running, Footer: in.Footer, Draft: in.Draft,
	}
	for _, p := range in.Info {
		l.Info = append(l.Info, document.Pair(p))
	}
	if a := in.Attachment; a != nil {
		l.Attachment = &document.Attachment{Name: a.Name, MediaType: a.MediaType, Description: a.Description, Data: a.Data}
	}
	for i, b := range in.Body {
		block, err := decodeBlock(b)
		if err != nil {
			return document.Letter{}, fmt.Errorf("body[%d]: %w", i, err)
		}
		l.Body = append(l.Body, block)
	}
	return l, nil
}

func decodeBlock(in blockJSON) (document.Block, error) {
	switch in.Type {
	case "paragraph":
		if in.Paragraph == nil {
			return document.Paragraph{}, nil
		}
		return decodeParagraph(*in.Paragraph), nil
	case "heading":
		return document.Heading{Level: in.Level, Text: in.Text}, nil
	case "list":
		out := document.List{Ordered: in.Ordered}
		for _, item := range in.Items {
			var paragraphs []document.Paragraph
			for _, p := range item {
				paragraphs = append(paragraphs, decodeParagraph(p))
			}
			out.Items = append(out.Items, paragraphs)
		}
		return out, nil
	case "table":
		return document.Table{Caption: in.Caption, Header: in.Header, Rows: in.Rows, Widths: in.Widths}, nil
	}
	return nil, fmt.Errorf("unknown type of block %q", in.Type)
}

func decodeParagraph(in paragraphJSON) document.Paragraph {
	p := document.Paragraph{KeepWithNext: in.KeepWithNext}
	for _, r := range in.Runs {
		p.Runs = append(p.Runs, document.Run(r))
	}
	return p
}
