// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/document"
)

type writer = func(io.Writer, document.Letter) error

func writers() map[string]writer {
	return map[string]writer{
		"html": document.WriteHTML, "fragment": document.HTMLFragment,
		"odt": document.WriteODT, "docx": document.WriteDOCX, "pdf": document.WritePDF,
	}
}

func render(t *testing.T, w writer, l document.Letter) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := w(&b, l); err != nil {
		t.Fatalf("write letter: %v", err)
	}
	return b.Bytes()
}

func TestSameLetterGivesSameBytes(t *testing.T) {
	t.Parallel()
	for name, w := range writers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !bytes.Equal(render(t, w, sample()), render(t, w, sample())) {
				t.Error("two renderings of one letter differ")
			}
		})
	}
}

func TestWritersLeaveTheLetterAlone(t *testing.T) {
	t.Parallel()
	l := sample()
	l.Recipient = append(l.Recipient, " ")
	l.Body = append(l.Body, &document.Heading{Level: 9, Text: "a\x00b"})
	before := reflect.ValueOf(l).Interface().(document.Letter)
	first := l.Body[len(l.Body)-1].(*document.Heading).Text
	for _, w := range writers() {
		render(t, w, l)
	}
	if !reflect.DeepEqual(before, l) || first != l.Body[len(l.Body)-1].(*document.Heading).Text {
		t.Error("a writer changed the letter it was given")
	}
}

func TestStrangeLettersAreWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaftskapitän", 40)
	rows := make([][]string, 400)
	for i := range rows {
		rows[i] = []string{"x", strings.Repeat("Wort ", i%40), ""}
	}
	cases := map[string]document.Letter{
		"empty":            {},
		"draft only":       {Draft: true},
		"no subject":       {Body: []document.Block{document.Heading{Level: 3, Text: "H"}, document.Text("t")}},
		"long words":       {Subject: long[:400], Recipient: []string{long[:400]}, Info: []document.Pair{{Label: long[:300], Value: long[:300]}}, Body: []document.Block{document.Text(long), document.Table{Rows: [][]string{{long, long}}}}},
		"long table":       {Body: []document.Block{document.Table{Header: []string{"a", "b", "c"}, Rows: rows}}},
		"huge cell":        {Body: []document.Block{document.Table{Header: []string{"a", "b"}, Rows: [][]string{{strings.Repeat("Wort ", 9000), "b"}}}}},
		"tall head":        {Body: []document.Block{document.Table{Header: []string{strings.Repeat("Kopf\n", 90)}, Rows: [][]string{{"a"}}}}},
		"all kept":         {Body: keptParagraphs(200)},
		"right to left":    {Subject: "שלום 123 עולם", Body: []document.Block{document.Text("Name: \u200fאבגד 42 (הוז)\u200e und مرحبا بالعالم")}},
		"no glyphs":        {Body: []document.Block{document.Text("漢字 😀 \U0010FFFF \uE000")}},
		"marks only":       {Body: []document.Block{document.Text("\u0301\u0301\u0327 x\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c")}},
		"broken utf-8":     {Subject: "a\xff\xfeb", Body: []document.Block{document.Text("\x00\x1b[31m\ufffe]]>&<script>")}},
		"empty blocks":     {Body: []document.Block{document.Text(""), document.List{Items: [][]document.Paragraph{{}, {document.Text(" ")}}}, document.Table{}, document.Table{Caption: "c", Header: []string{""}}}},
		"full head":        {Letterhead: document.Letterhead{Authority: long[:300], Department: long[:300], Lines: []string{"1", "2", "3", long[:200]}}, Recipient: []string{"1", "2", "3", "4", "5", "6"}, Footer: []string{"1", "2", long[:300], "4"}},
		"list paragraphs":  {Body: []document.Block{document.List{Ordered: true, Items: [][]document.Paragraph{{document.Text("a"), document.Text("b")}}}}},
		"only line breaks": {Body: []document.Block{document.Text("\n\n\na\n\n\nb\n")}},
	}
	for name, l := range cases {
		for format, w := range writers() {
			t.Run(name+"/"+format, func(t *testing.T) {
				t.Parallel()
				checkFormat(t, format, render(t, w, l))
			})
		}
	}
}

func keptParagraphs(n int) []document.Block {
	out := make([]document.Block, n)
	for i := range out {
		out[i] = document.Paragraph{Runs: []document.Run{{Text: "Absatz"}}, KeepWithNext: true}
	}
	return out
}

func TestBoundsNameThePlace(t *testing.T) {
	t.Parallel()
	many := make([]string, 20)
	for i := range many {
		many[i] = "Zeile"
	}
	cases := []struct {
		name string
		l    document.Letter
		code gateway.Code
		path string
	}{
		{"eight recipient lines", document.Letter{Recipient: many[:8]}, gateway.CodeInvalid, "recipient[6]"},
		{"too many footer lines", document.Letter{Footer: many}, gateway.CodeInvalid, "footer[4]"},
		{"language", document.Letter{Lang: "kein Deutsch!"}, gateway.CodeInvalid, "lang"},
		{"nil block", document.Letter{Body: []document.Block{document.Text("a"), nil}}, gateway.CodeInvalid, "body[1]"},
		{"nil pointer", document.Letter{Body: []document.Block{(*document.Table)(nil)}}, gateway.CodeInvalid, "body[0]"},
		{"blocks", document.Letter{Body: make([]document.Block, 3000)}, gateway.CodeTooLarge, "body"},
		{"columns", document.Letter{Body: []document.Block{document.Table{Header: many}}}, gateway.CodeTooLarge, "body[0]"},
		{"subject", document.Letter{Subject: strings.Repeat("ä", 501)}, gateway.CodeTooLarge, "subject"},
		{"text", document.Letter{Body: []document.Block{document.Text(strings.Repeat("a", 1<<20)), document.Text("a")}}, gateway.CodeTooLarge, "body[1].runs[0]"},
		{"attachment", document.Letter{Attachment: &document.Attachment{Data: make([]byte, 17<<20)}}, gateway.CodeTooLarge, "attachment.data"},
	}
	for _, c := range cases {
		for format, w := range writers() {
			t.Run(c.name+"/"+format, func(t *testing.T) {
				t.Parallel()
				var e *gateway.Error
				if err := w(io.Discard, c.l); !errors.As(err, &e) {
					t.Fatalf("got %v, want a gateway.Error", err)
				}
				if e.Code != c.code || e.Path != c.path || e.Message == "" {
					t.Errorf("got %s at %q (%s), want %s at %q", e.Code, e.Path, e.Message, c.code, c.path)
				}
			})
		}
	}
}

func TestWriteErrorsComeBack(t *testing.T) {
	t.Parallel()
	for name, w := range writers() {
		if err := w(brokenWriter{}, sample()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: got %v, want the error of the writer", name, err)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzLetter(f *testing.F) {
	f.Add("Betreff", "Absatz mit § 66 Abs. 3 und 21 Tagen", "Zelle", uint8(3), true)
	f.Add("a\x00\n<b>&]]>", "a\u0301\u202e\u05d0 1", "\xff\xfe", uint8(0), false)
	f.Add("", strings.Repeat("x", 3000), "\U0001F600\u200d", uint8(255), true)
	f.Fuzz(func(t *testing.T, subject, text, cell string, n uint8, flag bool) {
		l := document.Letter{
			Subject: subject, Title: cell, Draft: flag, Running: text, ReturnLine: cell,
			Letterhead: document.Letterhead{Authority: text, Lines: []string{cell}},
			Recipient:  []string{subject, cell}, Footer: []string{cell},
			Info: []document.Pair{{Label: cell, Value: subject}},
			Body: []document.Block{
				document.Heading{Level: int(n), Text: subject},
				document.Paragraph{Runs: []document.Run{{Text: text, Strong: flag}, {Text: cell, Emph: true}}, KeepWithNext: flag},
				document.List{Ordered: flag, Items: [][]document.Paragraph{{document.Text(text)}, {document.Text(cell)}}},
				document.Table{Caption: cell, Header: []string{subject, cell}, Rows: [][]string{{text}, {cell, text, subject}}, Widths: []int{int(n), 1, -3}},
			},
			Attachment: &document.Attachment{Name: subject, MediaType: cell, Data: []byte(text)},
		}
		for format, w := range writers() {
			var b bytes.Buffer
			err := w(&b, l)
			var e *gateway.Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("%s: %v", format, err)
			}
			if err == nil {
				checkFormat(t, format, b.Bytes())
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	l := sample()
	for name, w := range writers() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if err := w(&out, l); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Len()), "file-bytes")
		})
	}
}
