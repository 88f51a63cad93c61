// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"archive/zip"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// part is one file of an office document.
type part struct {
	name string
	data []byte
	// stored parts are not compressed.
	stored bool
}

// pack writes the parts in order. All carry the same fixed time, so that the same
// letter gives the same bytes, and known sizes: a data descriptor behind the
// mimetype of an ODT would hide it from programs that look at the first bytes.
func pack(w io.Writer, parts []part) error {
	z := zip.NewWriter(w)
	for _, p := range parts {
		if err := packOne(z, p); err != nil {
			return fmt.Errorf("pack %s: %w", p.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("close package: %w", err)
	}
	return nil
}

// packTime is the first moment a zip archive can express.
func packTime() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

func packOne(z *zip.Writer, p part) error {
	h := &zip.FileHeader{Name: p.name, Method: zip.Deflate}
	if !p.stored {
		h.SetMode(0o644)
		h.Modified = packTime()
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = f.Write(p.data)
		return err
	}
	h.Method = zip.Store
	//nolint:staticcheck // Modified counts only in CreateHeader; this is 1980-01-01 in MS-DOS form
	h.ModifiedDate = 1<<5 | 1
	h.CRC32 = crc32.ChecksumIEEE(p.data)
	h.CompressedSize64, h.UncompressedSize64 = uint64(len(p.data)), uint64(len(p.data))
	f, err := z.CreateRaw(h)
	if err != nil {
		return err
	}
	_, err = f.Write(p.data)
	return err
}
