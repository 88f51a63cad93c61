// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // character sets of old mails
)

const maxMailDepth = 8

// readMail reads head and text of an e-mail. Attachments, also attached
// e-mails, are returned as they are.
func (r *Reader) readMail(data []byte) (Text, error) {
	entity, err := message.ReadWithOptions(bytes.NewReader(data), &message.ReadOptions{MaxHeaderBytes: 1 << 20})
	if entity == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) {
		return Text{}, fmt.Errorf("parse mail: %w", ErrDamaged)
	}
	m := &mailReader{left: r.config.MaxUnpacked, maxAttachments: r.config.MaxAttachments}
	if err := m.part(entity, 0); err != nil {
		return Text{}, err
	}
	page := mailHead(entity.Header) + "\n" + m.body()
	return Text{Pages: []Page{{Number: 1, Text: page}}, Attachments: m.attachments, Warnings: m.warnings}, nil
}

// mailHead shows the fields people look at.
func mailHead(h message.Header) string {
	var b strings.Builder
	for _, f := range []struct{ key, label string }{
		{"From", "Von"}, {"To", "An"}, {"Cc", "Kopie"}, {"Date", "Datum"}, {"Subject", "Betreff"},
	} {
		value, err := h.Text(f.key)
		if err != nil {
			value = h.Get(f.key)
		}
		if value = strings.Join(strings.Fields(value), " "); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", f.label, value)
		}
	}
	return b.String()
}

type mailReader struct {
	plain, html    []string
	attachments    []Attachment
	warnings       []string
	left           int64
	maxAttachments int
}

// body prefers the plain version; an HTML version beside it says the same.
func (m *mailReader) body() string {
	if len(m.plain) > 0 {
		return strings.Join(m.plain, "\n\n")
	}
	return strings.Join(m.html, "\n\n")
}

func (m *mailReader) part(e *message.Entity, depth int) error {
	if depth > maxMailDepth {
		return fmt.Errorf("mail is nested too deep: %w", ErrTooLarge)
	}
	media, params, err := e.Header.ContentType()
	if err != nil {
		media = "application/octet-stream"
	}
	if strings.HasSuffix(media, "pkcs7-mime") && params["smime-type"] != "signed-data" {
		return ErrEncrypted
	}
	if media == "multipart/encrypted" {
		return ErrEncrypted
	}
	if parts := e.MultipartReader(); parts != nil {
		return m.parts(parts, depth)
	}
	return m.leaf(e, media, params)
}

func (m *mailReader) parts(parts message.MultipartReader, depth int) error {
	defer parts.Close()
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if p == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) {
			return fmt.Errorf("parse part of mail: %w", ErrDamaged)
		}
		if err := m.part(p, depth+1); err != nil {
			return err
		}
	}
}

func (m *mailReader) leaf(e *message.Entity, media string, params map[string]string) error {
	data, err := io.ReadAll(io.LimitReader(e.Body, m.left+1))
	if int64(len(data)) > m.left {
		return fmt.Errorf("mail unpacks to too much: %w", ErrTooLarge)
	}
	if err != nil {
		return fmt.Errorf("decode part of mail: %w", ErrDamaged)
	}
	m.left -= int64(len(data))
	disposition, dispositionParams, err := e.Header.ContentDisposition()
	name := dispositionParams["filename"]
	if err != nil || name == "" {
		name = params["name"]
	}
	if disposition != "attachment" && name == "" {
		switch media {
		case "text/plain", "":
			return m.addPlain(data)
		case "text/html":
			return m.addHTML(data)
		}
	}
	return m.attach(name, media, data)
}

// addPlain takes text whose declared character set was already decoded, or
// finds the set when it was not declared rightly.
func (m *mailReader) addPlain(data []byte) error {
	s, err := decodePlain(data)
	if err != nil {
		return fmt.Errorf("text of mail: %w", ErrDamaged)
	}
	if strings.TrimSpace(s) != "" {
		m.plain = append(m.plain, s)
	}
	return nil
}

func (m *mailReader) addHTML(data []byte) error {
	t, err := htmlText(data)
	if err != nil {
		return err
	}
	m.html = append(m.html, t.Pages[0].Text)
	m.warnings = append(m.warnings, t.Warnings...)
	return nil
}

func (m *mailReader) attach(name, media string, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if len(m.attachments) >= m.maxAttachments {
		return fmt.Errorf("more than %d attachments: %w", m.maxAttachments, ErrTooLarge)
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = decoded
	}
	name = baseName(name)
	if name == "" {
		name = fmt.Sprintf("Anlage %d", len(m.attachments)+1)
		if media == TypeEML {
			name += ".eml"
		}
	}
	m.attachments = append(m.attachments, Attachment{Name: name, Data: data})
	return nil
}

// baseName drops folders a foreign name may carry.
func baseName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSpace(strings.Map(printable, name))
	if name == "." || name == ".." {
		return ""
	}
	return name
}
