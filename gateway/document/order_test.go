// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

var update = flag.Bool("update", false, "write the golden files anew")

// content is the sample without what stands on every page.
func content() document.Letter {
	l := sample()
	l.Footer, l.Running = nil, "Kopf der Folgeseiten"
	return l
}

// golden is the reading order every format has to have.
func golden(t *testing.T) string {
	t.Helper()
	path := filepath.Join("testdata", "order.golden")
	if *update {
		if err := os.WriteFile(path, []byte(tidy(htmlText(t, render(t, document.WriteHTML, content())))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sameWords(t *testing.T, got, want string) {
	t.Helper()
	g, w := words(got), words(want)
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			from := max(0, i-5)
			t.Fatalf("text differs at word %d:\n got …%q\nwant …%q", i, g[min(from, len(g)):min(i+5, len(g))], w[min(from, len(w)):min(i+5, len(w))])
		}
	}
}

func TestReadingOrderIsTheSameInAllFormats(t *testing.T) {
	t.Parallel()
	want := golden(t)
	if got := tidy(htmlText(t, render(t, document.WriteHTML, content()))); got != want {
		t.Errorf("HTML differs from testdata/order.golden (run with -update if it should):\n%s", got)
	}
	lines := map[string]bool{"p": true, "h": true}
	for format, part := range map[string]string{"odt": "content.xml", "docx": "word/document.xml"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			text, err := xmlText(unzip(t, render(t, writers()[format], content()))[part], lines)
			if err != nil {
				t.Fatal(err)
			}
			sameWords(t, text, want)
		})
	}
	t.Run("pdf", func(t *testing.T) {
		t.Parallel()
		out := tool(t, "pdfinfo", "-struct-text", file(t, "l.pdf", render(t, document.WritePDF, content())))
		var text strings.Builder
		for _, m := range regexp.MustCompile(`(?m)^ *"(.*)"$`).FindAllStringSubmatch(out, -1) {
			text.WriteString(m[1] + "\n")
		}
		sameWords(t, text.String(), want)
	})
}

// LibreOffice reads what we write: the words it sets on pages are ours, in order.
func TestLibreOfficeReadsTheSameText(t *testing.T) {
	t.Parallel()
	want := golden(t)
	t.Run("docx", func(t *testing.T) {
		t.Parallel()
		sameWords(t, setByLibreOffice(t, "docx", content()), want)
	})
	// The frames of the head are set where they stand, not where they are read.
	const subject = "Ihr Antrag auf Wohngeld (Mietzuschuss)"
	head, body, _ := strings.Cut(want, subject)
	t.Run("odt text", func(t *testing.T) {
		t.Parallel()
		l := content()
		l.Letterhead, l.ReturnLine, l.Recipient, l.Info, l.Draft = document.Letterhead{}, "", nil, nil, false
		sameWords(t, setByLibreOffice(t, "odt", l), subject+body)
	})
	t.Run("odt head", func(t *testing.T) {
		t.Parallel()
		got := strings.Join(words(setByLibreOffice(t, "odt", content())), " ")
		for line := range strings.SplitSeq(strings.TrimSpace(head), "\n") {
			if !strings.Contains(got, strings.Join(words(line), " ")) {
				t.Errorf("LibreOffice does not show %q", line)
			}
		}
	})
}

// setByLibreOffice is the text of the pages without their heads and numbers.
func setByLibreOffice(t *testing.T, format string, l document.Letter) string {
	t.Helper()
	pdf := convert(t, file(t, "l."+format, render(t, writers()[format], l)))
	if !strings.Contains(tool(t, "pdfinfo", pdf), "(A4)") {
		t.Error("the page is not A4")
	}
	var text strings.Builder
	for line := range strings.SplitSeq(tool(t, "pdftotext", "-raw", pdf, "-"), "\n") {
		line = strings.Trim(line, "\f ")
		if !strings.HasPrefix(line, "Seite") && !strings.Contains(line, "Kopf der Folgeseiten") {
			text.WriteString(line + "\n")
		}
	}
	return text.String()
}

// tool runs a program of the system on files and skips where it is not installed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a busy machine starts LibreOffice slowly
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr, cmd.WaitDelay = &stderr, 5*time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.String())
	}
	return string(out)
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// convert lets LibreOffice turn a document into PDF, with a profile of its own.
func convert(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	tool(t, "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", "pdf", "--outdir", dir, path)
	return filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))+".pdf")
}
