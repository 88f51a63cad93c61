// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// A page with fewer letters than this is looked at as an image.
const minPageLetters = 12

// readPDF reads the text layer, and pages without one by recognition.
func (r *Reader) readPDF(ctx context.Context, data []byte) (Text, error) {
	text, err := r.textLayer(ctx, data)
	if err != nil {
		return Text{}, err
	}
	text.Warnings = append(text.Warnings, activeContent(data)...)
	if err := r.recogniseEmptyPages(ctx, data, &text); err != nil {
		return Text{}, err
	}
	return text, nil
}

func (r *Reader) textLayer(ctx context.Context, data []byte) (Text, error) {
	if r.config.PDFToText == "" {
		return r.readPDFInProcess(ctx, data)
	}
	l := limits{time: r.config.Timeout, output: r.config.MaxText, memory: programMemory}
	last := strconv.Itoa(r.config.MaxPages + 1)
	out, stderr, err := run(ctx, l, data, r.config.PDFToText, "-layout", "-enc", "UTF-8", "-l", last, "-", "-")
	if err != nil {
		return Text{}, pdfError(err, stderr)
	}
	parts := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
	if len(parts) > r.config.MaxPages {
		return Text{}, fmt.Errorf("more than %d pages: %w", r.config.MaxPages, ErrTooLarge)
	}
	var text Text
	for i, part := range parts {
		text.Pages = append(text.Pages, Page{Number: i + 1, Text: part})
	}
	return text, nil
}

// pdfError translates what poppler reports: exit 1 = cannot open, 3 = locked
// against copying.
func pdfError(err error, stderr []byte) error {
	if errors.Is(err, errOutput) || errors.Is(err, errTime) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if bytes.Contains(stderr, []byte("Incorrect password")) {
		return ErrEncrypted
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("run pdftotext: %w", err)
	}
	if exit.ExitCode() == 3 {
		return ErrEncrypted
	}
	return fmt.Errorf("pdftotext exit %d: %w", exit.ExitCode(), ErrDamaged)
}

// activeContent warns of what a viewer might execute. Nothing here does.
func activeContent(data []byte) []string {
	var found []string
	for _, mark := range []struct{ name, warning string }{
		{"/JavaScript", "Das PDF enthält JavaScript. Es wurde nicht ausgeführt."},
		{"/Launch", "Das PDF will ein Programm starten. Das wurde nicht ausgeführt."},
		{"/EmbeddedFile", "Das PDF enthält eingebettete Dateien. Sie wurden nicht gelesen."},
	} {
		if bytes.Contains(data, []byte(mark.name)) {
			found = append(found, mark.warning)
		}
	}
	return found
}

// recogniseEmptyPages fills pages that have no text layer.
func (r *Reader) recogniseEmptyPages(ctx context.Context, data []byte, t *Text) error {
	var empty []int
	for i, p := range t.Pages {
		if letters(p.Text) < minPageLetters {
			empty = append(empty, i)
		}
	}
	if len(empty) == 0 {
		return nil
	}
	if r.config.Tesseract == "" || r.config.PDFToPPM == "" {
		return withoutRecognition(t, len(empty))
	}
	if skipped := len(empty) - r.config.MaxOCRPages; skipped > 0 {
		t.Warnings = append(t.Warnings, fmt.Sprintf("%d Bildseiten wurden nicht gelesen, weil höchstens %d je Datei gelesen werden.", skipped, r.config.MaxOCRPages))
		empty = empty[:r.config.MaxOCRPages]
	}
	for _, i := range empty {
		if err := r.recognisePage(ctx, data, &t.Pages[i], t); err != nil {
			return err
		}
	}
	return nil
}

func withoutRecognition(t *Text, empty int) error {
	if empty == len(t.Pages) {
		return fmt.Errorf("only images and no text recognition here: %w", ErrUnreadable)
	}
	t.Warnings = append(t.Warnings, fmt.Sprintf("%d Seiten ohne Text wurden nicht gelesen, weil keine Texterkennung eingerichtet ist.", empty))
	return nil
}

func (r *Reader) recognisePage(ctx context.Context, data []byte, p *Page, t *Text) error {
	image, err := r.renderPage(ctx, data, p.Number)
	if err != nil {
		return err
	}
	text, err := r.recognise(ctx, image, scannedPage)
	if err != nil {
		return fmt.Errorf("page %d: %w", p.Number, err)
	}
	if letters(text) > letters(p.Text) {
		p.Text, t.OCR = text, true
	}
	return nil
}

// renderPage draws a page in grey at 200 dpi.
func (r *Reader) renderPage(ctx context.Context, data []byte, page int) ([]byte, error) {
	n := strconv.Itoa(page)
	l := limits{time: r.config.Timeout, output: 64 << 20, memory: programMemory}
	out, stderr, err := run(ctx, l, data, r.config.PDFToPPM,
		"-r", "200", "-gray", "-f", n, "-l", n, "-singlefile", "-")
	if err != nil {
		return nil, pdfError(err, stderr)
	}
	return out, nil
}
