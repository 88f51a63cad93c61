// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// Media types that can be read.
const (
	TypePDF   = "application/pdf"
	TypeDOCX  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	TypeODT   = "application/vnd.oasis.opendocument.text"
	TypeHTML  = "text/html"
	TypeEML   = "message/rfc822"
	TypePlain = "text/plain"
	TypeJPEG  = "image/jpeg"
	TypePNG   = "image/png"
	TypeTIFF  = "image/tiff"
)

const (
	typeLockedOffice = "application/x-ole-encrypted"
	typeUnknown      = "application/octet-stream"
)

// detect names the type of a file from its content.
func detect(name string, data []byte) string {
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return detectZip(data)
	}
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
		return detectCompound(data)
	}
	if i := bytes.Index(data[:min(len(data), 1024)], []byte("%PDF-")); i >= 0 {
		return TypePDF
	}
	if looksLikeMail(name, data) {
		return TypeEML
	}
	found := mimetype.Detect(data)
	for _, t := range []string{TypeJPEG, TypePNG, TypeTIFF, TypeHTML, "text/rtf"} {
		if found.Is(t) {
			return t
		}
	}
	for m := found; m != nil; m = m.Parent() {
		if m.Is(TypePlain) {
			return TypePlain
		}
	}
	if looksLikeUTF16(data) || (found.Is(typeUnknown) && hasTextName(name) && !bytes.ContainsRune(data, 0)) {
		return TypePlain
	}
	media, _, _ := strings.Cut(found.String(), ";")
	return media
}

// detectZip looks into the container: DOCX by its main part, ODT by its
// "mimetype" entry.
func detectZip(data []byte) string {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "application/zip"
	}
	for i, f := range archive.File {
		if i >= maxZipEntries {
			break
		}
		switch f.Name {
		case "word/document.xml":
			return TypeDOCX
		case "mimetype":
			if strings.HasPrefix(entryStart(f, 128), TypeODT) {
				return TypeODT
			}
		}
	}
	return "application/zip"
}

func entryStart(f *zip.File, n int64) string {
	r, err := f.Open()
	if err != nil {
		return ""
	}
	defer r.Close()
	b, _ := io.ReadAll(io.LimitReader(r, n))
	return string(b)
}

// detectCompound tells a locked Office file, which is wrapped into an OLE
// container, from the old binary formats.
func detectCompound(data []byte) string {
	if bytes.Contains(data, []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")) {
		return typeLockedOffice
	}
	return "application/x-ole-storage"
}

func hasTextName(name string) bool {
	name = strings.ToLower(name)
	for _, suffix := range []string{".txt", ".md", ".csv", ".text"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// looksLikeMail finds a header block that names a sender and something only
// mails have. With the ending .eml one mail header is enough.
func looksLikeMail(name string, data []byte) bool {
	head := data[:min(len(data), 16<<10)]
	known := 0
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		field, _, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(field) == 0 || bytes.ContainsAny(field, " \t<") {
			return false
		}
		if isMailField(string(bytes.ToLower(field))) {
			known++
		}
	}
	if strings.HasSuffix(strings.ToLower(name), ".eml") {
		return known >= 1
	}
	return known >= 3
}

func isMailField(name string) bool {
	switch name {
	case "from", "to", "subject", "date", "message-id", "received", "mime-version",
		"return-path", "delivered-to", "content-type", "dkim-signature", "cc", "reply-to":
		return true
	}
	return false
}
