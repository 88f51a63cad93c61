// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSpoolGivesBackWhatCame(t *testing.T) {
	t.Parallel()
	for name, pieces := range map[string]int{"in memory": 10, "in a file": 40_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &spool{most: 4 << 20, folder: t.TempDir()}
			var want [2]strings.Builder
			for i := range pieces {
				piece := strings.Repeat("ä", i%9+1)
				s.Write(i%2, piece)
				want[i%2].WriteString(piece)
			}
			for range 2 { // reading changes nothing
				texts, cut, err := s.Texts()
				if err != nil || cut || len(texts) != 2 || texts[0] != want[0].String() || texts[1] != want[1].String() {
					t.Fatalf("%d texts, cut %v, %v", len(texts), cut, err)
				}
			}
			if (s.file != nil) != (pieces > 1000) {
				t.Errorf("a file: %v", s.file != nil)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("twice: %v", err)
			}
		})
	}
}

func TestSpoolIsBoundedAndSealed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := &spool{most: 200_001, folder: folder}
	for range 6000 {
		s.Write(0, "Textkanarienvögel, sehr viele davon")
	}
	if s.file == nil {
		t.Fatal("nothing was spooled")
	}
	raw := make([]byte, 1<<20)
	n, _ := s.file.ReadAt(raw, 0)
	if n == 0 || bytes.Contains(raw[:n], []byte("Textkanarie")) {
		t.Errorf("%d bytes in the file, in plain", n)
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(left) != 0 {
		t.Errorf("the file has a name: %v, %v", left, err)
	}
	texts, cut, err := s.Texts()
	if err != nil || !cut || len(texts) != 1 || len(texts[0]) > 200_001 || len(texts[0]) < 199_990 || !utf8.ValidString(texts[0]) {
		t.Errorf("cut %v, %d bytes, %v", cut, len(texts[0]), err)
	}
	if cap(s.pending) > 3*spoolBlock {
		t.Errorf("%d bytes are in memory", cap(s.pending))
	}
	raw[100] ^= 1
	if _, err := s.file.WriteAt(raw[:n], 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Texts(); err == nil {
		t.Error("a changed file is read")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSpoolWithoutAFolder(t *testing.T) {
	t.Parallel()
	s := &spool{most: 4 << 20, folder: filepath.Join(t.TempDir(), "gibt", "es", "nicht")}
	s.Write(0, strings.Repeat("x", 3*spoolBlock))
	if _, _, err := s.Texts(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	s.Write(-1, "x")
	s.Write(maxTexts, "x")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSealOpensOnlyWhatItSealed(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{7}, keySize)
	a, err1 := seal(key, []byte("Text"), []byte("eins"))
	b, err2 := seal(key, []byte("Text"), []byte("eins"))
	if err1 != nil || err2 != nil || slices.Equal(a, b) {
		t.Fatalf("the same text is sealed the same way twice: %v, %v", err1, err2)
	}
	if text, err := open(key, a, []byte("eins")); err != nil || string(text) != "Text" {
		t.Errorf("%s, %v", text, err)
	}
	for name, try := range map[string]func() ([]byte, error){
		"other key":     func() ([]byte, error) { return open(bytes.Repeat([]byte{8}, keySize), a, []byte("eins")) },
		"short key":     func() ([]byte, error) { return open(key[:16], a, []byte("eins")) },
		"other place":   func() ([]byte, error) { return open(key, a, []byte("zwei")) },
		"other version": func() ([]byte, error) { return open(key, append([]byte{2}, a[1:]...), []byte("eins")) },
	} {
		if text, err := try(); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
	if bytes.Equal(joined("ab", "c"), joined("a", "bc")) {
		t.Error("two lists of parts collide")
	}
}
