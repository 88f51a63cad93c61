// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ledongthuc/pdf"
)

const warnPure = "Der Text wurde ohne Poppler gelesen und kann unvollständig sein."

// readPDFInProcess is the fallback where poppler is absent. The library behind
// it panics on some files and does not come back from others, therefore it runs
// behind recover and a deadline. A run that hangs keeps its token, so that no
// more than a few can ever hang.
func (r *Reader) readPDFInProcess(ctx context.Context, data []byte) (Text, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	select {
	case r.pure <- struct{}{}:
	case <-ctx.Done():
		return Text{}, fmt.Errorf("wait for the PDF reader: %w", ErrUnreadable)
	}
	type result struct {
		text Text
		err  error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-r.pure }()
		t, err := pdfPages(data, r.config.MaxPages, r.config.MaxText)
		done <- result{t, err}
	}()
	select {
	case res := <-done:
		return res.text, res.err
	case <-ctx.Done():
		return Text{}, fmt.Errorf("PDF takes too long: %w", ErrTooLarge)
	}
}

func pdfPages(data []byte, maxPages, maxText int) (text Text, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = Text{}, fmt.Errorf("PDF reader gave up: %w", lockedOr(data, ErrDamaged))
		}
	}()
	file, err := pdf.NewReader(bytes.NewReader(data), int64(len(data)))
	if errors.Is(err, pdf.ErrInvalidPassword) {
		return Text{}, ErrEncrypted
	}
	if err != nil {
		return Text{}, fmt.Errorf("open PDF: %w", lockedOr(data, ErrDamaged))
	}
	if file.NumPage() > maxPages {
		return Text{}, fmt.Errorf("%d pages: %w", file.NumPage(), ErrTooLarge)
	}
	text.Warnings = []string{warnPure}
	size := 0
	for n := 1; n <= file.NumPage(); n++ {
		content := pageRows(file.Page(n))
		if size += len(content); size > maxText {
			return Text{}, ErrTooLarge
		}
		text.Pages = append(text.Pages, Page{Number: n, Text: content})
	}
	return text, nil
}

// lockedOr tells a locked file, on which the library may stumble in any way.
func lockedOr(data []byte, otherwise error) error {
	if bytes.Contains(data, []byte("/Encrypt")) {
		return ErrEncrypted
	}
	return otherwise
}

// pageRows puts the glyphs of a page into lines by their position.
func pageRows(p pdf.Page) string {
	if p.V.IsNull() {
		return ""
	}
	plain, err := p.GetPlainText(nil)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(plain)
}
