// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

const (
	maxZipEntries = 10_000
	maxZipRatio   = 100
	maxXMLDepth   = 256
	// small parts may compress better than maxZipRatio
	ratioFloor = 1 << 20
)

// container is a ZIP file under limits. Names in it are only compared, never
// used as paths.
type container struct {
	archive *zip.Reader
	left    int64 // bytes that may still be unpacked
}

func openContainer(data []byte, maxUnpacked int64) (*container, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("open container: %w", ErrDamaged)
	}
	if len(archive.File) > maxZipEntries {
		return nil, fmt.Errorf("%d entries: %w", len(archive.File), ErrTooLarge)
	}
	var total uint64
	for _, f := range archive.File {
		if f.Flags&1 != 0 {
			return nil, ErrEncrypted
		}
		total += f.UncompressedSize64
		if total > uint64(maxUnpacked) || f.UncompressedSize64 > uint64(maxUnpacked) {
			return nil, fmt.Errorf("unpacks to too much: %w", ErrTooLarge)
		}
	}
	return &container{archive: archive, left: maxUnpacked}, nil
}

func (c *container) has(name string) bool {
	for _, f := range c.archive.File {
		if f.Name == name {
			return true
		}
	}
	return false
}

// part returns the bytes of an entry; an absent one is ErrDamaged.
func (c *container) part(name string) ([]byte, error) {
	for _, f := range c.archive.File {
		if f.Name == name {
			return c.unpack(f)
		}
	}
	return nil, fmt.Errorf("part is missing: %w", ErrDamaged)
}

// unpack does not trust the sizes the directory claims.
func (c *container) unpack(f *zip.File) ([]byte, error) {
	allowed := min(c.left, max(ratioFloor, int64(min(f.CompressedSize64, 1<<40))*maxZipRatio))
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open part: %w", ErrDamaged)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, allowed+1))
	if int64(len(data)) > allowed {
		return nil, fmt.Errorf("part unpacks to too much: %w", ErrTooLarge)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack part: %w", ErrDamaged)
	}
	c.left -= int64(len(data))
	return data, nil
}

// element is a start tag as a walker sees it.
type element struct {
	name  string // local name
	attrs []xml.Attr
}

func (e element) attr(local string) string {
	for _, a := range e.attrs {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// visitor receives the parts of an XML document.
type visitor interface {
	open(e element)
	text(s string)
	close(name string)
}

// walkXML goes through a document once. encoding/xml resolves no external
// entities; the depth is bounded here because its token loop does not.
func walkXML(data []byte, v visitor) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if depth != 0 {
				return fmt.Errorf("XML ends early: %w", ErrDamaged)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("parse XML: %w", ErrDamaged)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return fmt.Errorf("XML is nested too deep: %w", ErrTooLarge)
			}
			v.open(element{t.Name.Local, t.Attr})
		case xml.EndElement:
			if depth--; depth < 0 {
				return fmt.Errorf("XML closes too much: %w", ErrDamaged)
			}
			v.close(t.Name.Local)
		case xml.CharData:
			v.text(string(t))
		}
	}
}
