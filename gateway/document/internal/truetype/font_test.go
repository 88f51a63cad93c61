// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package truetype

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

func read(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("../../fonts/LiberationSans-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB) *Font {
	t.Helper()
	f, err := Parse(read(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParse(t *testing.T) {
	t.Parallel()
	f := parse(t)
	if f.UnitsPerEm != 2048 || f.Ascent <= 0 || f.Descent >= 0 || f.CapHeight <= f.XHeight {
		t.Errorf("metrics: %+v", f.Box)
	}
	a, ok := f.Glyph('A')
	v, _ := f.Glyph('V')
	if !ok || f.Advance(a) != 1366 {
		t.Errorf("A has glyph %d of width %d, want width 1366", a, f.Advance(a))
	}
	if k := f.Kern(a, v); k >= 0 {
		t.Errorf("A and V should move together, got %d", k)
	}
	if _, ok := f.Glyph('漢'); ok {
		t.Error("the font should not have 漢")
	}
	if box, ok := f.GlyphBox(a); !ok || box.YMax != f.CapHeight && box.YMax < 1400 {
		t.Errorf("box of A: %+v", box)
	}
}

func TestSubset(t *testing.T) {
	t.Parallel()
	f := parse(t)
	a, _ := f.Glyph('Ä') // composed of A and dots
	b, _ := f.Glyph('B')
	data, err := f.Subset([]uint16{0, a, b, b})
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 12<<10 || sum(data) != 0xB1B0AFBA {
		t.Errorf("%d bytes with sum %x", len(data), sum(data))
	}
	s := &Font{tables: map[string][]byte{}}
	for _, step := range []func() error{func() error { return s.readDirectory(data) }, s.readMetrics, s.readLoca} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.advances); n != 6 {
		t.Errorf("%d glyphs, want the four asked for and two parts", n)
	}
	if s.Advance(1) != f.Advance(a) || !bytes.Equal(s.outline(2)[:len(f.outline(b))], f.outline(b)) || !bytes.Equal(s.outline(2), s.outline(3)) {
		t.Error("glyphs changed")
	}
	if first := binary.BigEndian.Uint16(s.outline(1)[12:]); first < 4 || first > 5 {
		t.Errorf("Ä is composed of glyph %d, which is no part", first)
	}
	if _, err := f.Subset([]uint16{0xFFFF}); err == nil {
		t.Error("a glyph that does not exist was cut")
	}
}

func TestBrokenFontsAreRefused(t *testing.T) {
	t.Parallel()
	data := read(t)
	for _, n := range []int{0, 4, 11, 40, 300, 5000, 100000, len(data) - 50000} {
		if _, err := Parse(data[:n]); err == nil {
			t.Errorf("a font of %d bytes was taken", n)
		}
	}
}

func FuzzParse(f *testing.F) {
	data := read(f)
	f.Add(10, byte(0xFF), 12, byte(0))
	f.Fuzz(func(t *testing.T, at int, v byte, at2 int, v2 byte) {
		broken := bytes.Clone(data)
		broken[uint(at)%uint(len(broken))] = v
		broken[uint(at2)%2000] = v2
		font, err := Parse(broken)
		if err != nil {
			return
		}
		g, _ := font.Glyph('Ä')
		_, _ = font.GlyphBox(g)
		_, _ = font.Subset([]uint16{0, g})
	})
}
