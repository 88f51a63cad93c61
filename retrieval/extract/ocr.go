// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // formats DecodeConfig knows
	_ "image/png"
	"strconv"
	"strings"

	_ "golang.org/x/image/tiff" // as those above
)

const (
	maxPixels = 60_000_000
	// scannedPage lets tesseract find columns, photoPage takes the page as one
	// block: measured, the better choice for each (33 and 37 of 43 values on photos).
	scannedPage, photoPage = "3", "6"
	// minConfidence is the mean certainty (0 to 100) below which recognised
	// text is noise.
	minConfidence = 40
)

// readImage recognises the text of a photo or scan.
func (r *Reader) readImage(ctx context.Context, data []byte) (Text, error) {
	if r.config.Tesseract == "" {
		return Text{}, fmt.Errorf("no text recognition here: %w", ErrUnreadable)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return Text{}, fmt.Errorf("decode image: %w", ErrDamaged)
	}
	if size.Width*size.Height > maxPixels {
		return Text{}, fmt.Errorf("image of %d x %d pixels: %w", size.Width, size.Height, ErrTooLarge)
	}
	prepared, err := evenLight(data)
	if err != nil {
		return Text{}, err
	}
	text, err := r.recognise(ctx, prepared, photoPage)
	if err != nil {
		return Text{}, err
	}
	return Text{OCR: true, Pages: []Page{{Number: 1, Text: text}}}, nil
}

// recognise runs tesseract on one image. The image goes in by a pipe: nothing
// is written to disk.
func (r *Reader) recognise(ctx context.Context, image []byte, mode string) (string, error) {
	select {
	case r.ocr <- struct{}{}:
		defer func() { <-r.ocr }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	l := limits{time: 2 * r.config.Timeout, output: 16 << 20, memory: programMemory}
	out, _, err := run(ctx, l, image, r.config.Tesseract,
		"stdin", "stdout", "-l", r.config.Language, "--dpi", "200", "--psm", mode, "-c", "tessedit_create_tsv=1")
	if errors.Is(err, errTime) || errors.Is(err, errOutput) {
		return "", fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("tesseract: %w: %w", ErrUnreadable, err)
	}
	words := parseTSV(string(out))
	if confidence(words) < minConfidence {
		return "", nil
	}
	return layout(words), nil
}

// ocrWord is one recognised word and where it stands.
type ocrWord struct {
	line        string // block, paragraph and line
	left, width int
	confidence  float64
	text        string
}

// parseTSV reads tesseract's table: level, page, block, paragraph, line, word,
// left, top, width, height, confidence, text.
func parseTSV(table string) []ocrWord {
	var words []ocrWord
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.SplitN(strings.TrimRight(row, "\r"), "\t", 12)
		if len(cells) < 12 || cells[0] != "5" || strings.TrimSpace(cells[11]) == "" {
			continue
		}
		w := ocrWord{line: cells[2] + "." + cells[3] + "." + cells[4], text: cells[11]}
		w.left, _ = strconv.Atoi(cells[6])
		w.width, _ = strconv.Atoi(cells[8])
		w.confidence, _ = strconv.ParseFloat(cells[10], 64)
		words = append(words, w)
	}
	return words
}

func confidence(words []ocrWord) float64 {
	if len(words) == 0 {
		return 0
	}
	sum := 0.0
	for _, w := range words {
		sum += w.confidence
	}
	return sum / float64(len(words))
}

// layout joins words to lines and keeps wide gaps, so that columns stay apart
// as they do in pdftotext -layout.
func layout(words []ocrWord) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(separator(words[i-1], w))
		}
		b.WriteString(w.text)
	}
	return b.String()
}

func separator(before, w ocrWord) string {
	if before.line != w.line {
		return "\n"
	}
	glyph := max(1, before.width/max(1, len([]rune(before.text))))
	if w.left-before.left-before.width > 3*glyph {
		return "   "
	}
	return " "
}
