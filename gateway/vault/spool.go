// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// spool holds an answer while it comes. Streams last for minutes and there are
// hundreds of them: what is more than a few kilobytes waits in a file that has no
// name any more, sealed under a key that is nowhere but here.
type spool struct {
	most   int
	folder string

	size int // of all texts so far
	cut  bool
	err  error
	// pending are frames: number of the text, length, piece.
	pending []byte

	file   *os.File
	key    []byte
	blocks []int // lengths of the sealed blocks in the file
}

const (
	spoolBlock = 64 << 10
	maxTexts   = 1024
)

// Write adds to a text. What fails shows up in Texts.
func (s *spool) Write(text int, piece string) {
	if s.err != nil || piece == "" {
		return
	}
	if text < 0 || text >= maxTexts {
		s.cut = true
		return
	}
	if room := s.most - s.size; len(piece) > room {
		s.cut = true
		piece = whole(piece, room)
	}
	s.size += len(piece)
	for len(piece) > 0 {
		n := min(len(piece), spoolBlock)
		s.pending = binary.AppendUvarint(s.pending, uint64(text))
		s.pending = binary.AppendUvarint(s.pending, uint64(n))
		s.pending = append(s.pending, piece[:n]...)
		piece = piece[n:]
		if len(s.pending) >= spoolBlock {
			s.spill()
		}
	}
}

// whole is the beginning of a text up to a length, without half a character.
func whole(text string, n int) string {
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:max(n, 0)]
}

// spill seals what is pending into the file.
func (s *spool) spill() {
	if s.err != nil {
		return
	}
	if s.file == nil {
		if s.err = s.create(); s.err != nil {
			return
		}
	}
	sealed, err := seal(s.key, s.pending, s.additional(len(s.blocks)))
	if err == nil {
		_, err = s.file.Write(sealed)
	}
	if err != nil {
		s.err = fmt.Errorf("spool answer: %w", err)
		return
	}
	s.blocks = append(s.blocks, len(sealed))
	s.pending = s.pending[:0]
}

func (s *spool) additional(block int) []byte {
	return binary.BigEndian.AppendUint64([]byte("spool"), uint64(block))
}

func (s *spool) create() error {
	f, err := os.CreateTemp(s.folder, "antwort-*")
	if err != nil {
		return fmt.Errorf("spool answer: %w", err)
	}
	_ = os.Remove(f.Name()) // where that is not possible while it is open, Close does it
	s.file, s.key = f, make([]byte, keySize)
	rand.Read(s.key)
	return nil
}

// Texts are the texts so far, in the order of their numbers.
func (s *spool) Texts() (texts []string, truncated bool, err error) {
	if s.err != nil {
		return nil, false, s.err
	}
	var parts [][]byte
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return nil, false, fmt.Errorf("read spooled answer: %w", err)
		}
	}
	for i, n := range s.blocks {
		sealed := make([]byte, n)
		if _, err := io.ReadFull(s.file, sealed); err != nil {
			return nil, false, fmt.Errorf("read spooled answer: %w", err)
		}
		frames, err := open(s.key, sealed, s.additional(i))
		if err == nil {
			parts, err = unframe(parts, frames)
		}
		if err != nil {
			return nil, false, fmt.Errorf("read spooled answer: %w", err)
		}
	}
	if parts, err = unframe(parts, s.pending); err != nil {
		return nil, false, err
	}
	for _, p := range parts {
		if p != nil {
			texts = append(texts, string(p))
		}
	}
	return texts, s.cut, nil
}

func unframe(parts [][]byte, frames []byte) ([][]byte, error) {
	for len(frames) > 0 {
		text, a := binary.Uvarint(frames)
		if a <= 0 || text >= maxTexts {
			return nil, errSpool
		}
		n, b := binary.Uvarint(frames[a:])
		if b <= 0 || n > uint64(len(frames)-a-b) {
			return nil, errSpool
		}
		from := a + b
		for len(parts) <= int(text) {
			parts = append(parts, nil)
		}
		parts[text] = append(parts[text], frames[from:from+int(n)]...)
		frames = frames[from+int(n):]
	}
	return parts, nil
}

var errSpool = errors.New("the spooled answer is damaged")

// Close lets everything go.
func (s *spool) Close() error {
	s.pending, s.blocks = nil, nil
	clear(s.key)
	if s.file == nil {
		return nil
	}
	name := s.file.Name()
	err := s.file.Close()
	s.file = nil
	_ = os.Remove(name) // gone already on most systems
	return err
}
