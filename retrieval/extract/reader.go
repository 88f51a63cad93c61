// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Off as the path of a program means: do not use it, even if it is installed.
const Off = "-"

// Config of a Reader. The zero value is a sensible default.
type Config struct {
	// MaxBytes of one file; default 50 MB.
	MaxBytes int
	// MaxText is the number of bytes of text one file may yield; default 20 MB.
	MaxText int
	// MaxUnpacked is the number of bytes a ZIP container may unpack to; default 200 MB.
	MaxUnpacked int64
	// MaxPages of a PDF; default 2,000.
	MaxPages int
	// MaxOCRPages is how many pages of one file are recognised from images;
	// default 20. Pages beyond are named in a warning.
	MaxOCRPages int
	// MaxAttachments of one e-mail; default 100.
	MaxAttachments int
	// Timeout of one run of a program; default 30 s. OCR gets twice as much per page.
	Timeout time.Duration
	// OCRParallel is how many pages are recognised at the same time; default: half the processors.
	OCRParallel int
	// PDFToText, PDFToPPM and Tesseract are paths of programs. Empty: looked up
	// in PATH, and done without if absent. Off: not used.
	PDFToText, PDFToPPM, Tesseract string
	// Language of the recognition; default "deu".
	Language string
}

func (c Config) withDefaults() Config {
	setDefault(&c.MaxBytes, 50<<20)
	setDefault(&c.MaxText, 20<<20)
	setDefault(&c.MaxUnpacked, 200<<20)
	setDefault(&c.MaxPages, 2000)
	setDefault(&c.MaxOCRPages, 20)
	setDefault(&c.MaxAttachments, 100)
	setDefault(&c.Timeout, 30*time.Second)
	setDefault(&c.OCRParallel, max(1, runtime.NumCPU()/2))
	if c.Language == "" {
		c.Language = "deu"
	}
	c.PDFToText = program(c.PDFToText, "pdftotext")
	c.PDFToPPM = program(c.PDFToPPM, "pdftoppm")
	c.Tesseract = program(c.Tesseract, "tesseract")
	return c
}

func setDefault[N int | int64 | time.Duration](field *N, value N) {
	if *field <= 0 {
		*field = value
	}
}

// program resolves the path of a program; "" means that there is none.
func program(path, name string) string {
	if path == Off {
		return ""
	}
	if path == "" {
		path = name
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return ""
	}
	return found
}

// Reader reads files within limits. It is safe for concurrent use and writes
// nothing to disk.
type Reader struct {
	config Config
	ocr    chan struct{} // one token per recognition at a time
	pure   chan struct{} // one token per run of the PDF reader in this process
}

// NewReader returns a Reader.
func NewReader(c Config) *Reader {
	c = c.withDefaults()
	return &Reader{config: c, ocr: make(chan struct{}, c.OCRParallel), pure: make(chan struct{}, 2)}
}

// Read reads one file with the default limits.
func Read(ctx context.Context, name string, data []byte) (Text, error) {
	return NewReader(Config{}).Read(ctx, name, data)
}

// OCR says whether images can be read here.
func (r *Reader) OCR() bool { return r.config.Tesseract != "" }

// Read returns the text of a file. The type is found from the content; the name
// only settles what the content leaves open. Errors wrap one of the reasons of
// this package, or are those of the context.
func (r *Reader) Read(ctx context.Context, name string, data []byte) (Text, error) {
	if len(data) > r.config.MaxBytes {
		return Text{}, fmt.Errorf("read file of %d bytes: %w", len(data), ErrTooLarge)
	}
	if len(data) == 0 {
		return Text{}, fmt.Errorf("read empty file: %w", ErrUnreadable)
	}
	kind := detect(name, data)
	text, err := r.readKind(ctx, kind, data)
	if ctx.Err() != nil {
		return Text{}, fmt.Errorf("read %s: %w", kind, ctx.Err())
	}
	if err != nil {
		return Text{}, fmt.Errorf("read %s: %w", kind, err)
	}
	text.MediaType = kind
	if err := r.finish(&text); err != nil {
		return Text{}, fmt.Errorf("read %s: %w", kind, err)
	}
	return text, nil
}

func (r *Reader) readKind(ctx context.Context, kind string, data []byte) (Text, error) {
	switch kind {
	case TypePDF:
		return r.readPDF(ctx, data)
	case TypeJPEG, TypePNG, TypeTIFF:
		return r.readImage(ctx, data)
	case TypeDOCX:
		return r.readDOCX(data)
	case TypeODT:
		return r.readODT(data)
	case TypeHTML:
		return r.readHTML(data)
	case TypeEML:
		return r.readMail(data)
	case TypePlain:
		return readPlain(data)
	case typeLockedOffice:
		return Text{}, ErrEncrypted
	}
	return Text{}, ErrUnsupported
}

// finish normalises the text and applies the quality gate. An e-mail may be
// empty when it carries attachments.
func (r *Reader) finish(t *Text) error {
	size := 0
	for i := range t.Pages {
		t.Pages[i].Text = normalise(t.Pages[i].Text)
		size += len(t.Pages[i].Text)
	}
	if size > r.config.MaxText {
		return fmt.Errorf("text of %d bytes: %w", size, ErrTooLarge)
	}
	if len(t.Attachments) > 0 && size == 0 {
		return nil
	}
	return gate(t.Pages)
}

// String joins the pages with a form feed.
func (t Text) String() string {
	parts := make([]string, len(t.Pages))
	for i, p := range t.Pages {
		parts[i] = p.Text
	}
	return strings.Join(parts, "\f")
}
