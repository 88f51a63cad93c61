// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// frontier is the right edge of the tree: the roots of the complete subtrees,
// the largest first. It is all one needs to append and to know the root.
type frontier struct { //nolint:recvcheck // a value; only push changes it
	size   int64
	hashes []tlog.Hash
}

// indexes are where the hashes of a frontier of the size are stored.
func frontierIndexes(size int64) []int64 {
	var indexes []int64
	for level := bits.Len64(uint64(size)) - 1; level >= 0; level-- {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, size>>level-1))
		}
	}
	return indexes
}

func loadFrontier(size int64, read func([]int64) ([]tlog.Hash, error)) (frontier, error) {
	indexes := frontierIndexes(size)
	if len(indexes) == 0 {
		return frontier{}, nil
	}
	hashes, err := read(indexes)
	if err != nil {
		return frontier{}, fmt.Errorf("read the right edge of the tree: %w", err)
	}
	return frontier{size: size, hashes: hashes}, nil
}

func (f frontier) clone() frontier {
	return frontier{size: f.size, hashes: slices.Clone(f.hashes)}
}

// push appends a leaf and returns the hashes to store for it: the leaf's and
// those of the subtrees it completes.
func (f *frontier) push(leaf tlog.Hash) []tlog.Hash {
	stored := []tlog.Hash{leaf}
	node := leaf
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.hashes) - 1
		node = tlog.NodeHash(f.hashes[last], node)
		f.hashes = f.hashes[:last]
		stored = append(stored, node)
	}
	f.hashes = append(f.hashes, node)
	f.size++
	return stored
}

func (f frontier) root() tlog.Hash {
	if len(f.hashes) == 0 {
		return sha256.Sum256(nil)
	}
	last := len(f.hashes) - 1
	root := f.hashes[last]
	for _, left := range slices.Backward(f.hashes[:last]) {
		root = tlog.NodeHash(left, root)
	}
	return root
}

// statement is the content of a checkpoint in the form of c2sp.org/tlog-checkpoint.
type statement struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

func (s statement) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", s.Origin, s.Size, s.Root)
}

func signCheckpoint(s statement, at time.Time, signer note.Signer) (Checkpoint, error) {
	text, err := note.Sign(&note.Note{Text: s.String()}, signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint of size %d: %w", s.Size, err)
	}
	return Checkpoint{Size: s.Size, Time: at, Note: text}, nil
}

// maxCheckpoint bounds the text of a checkpoint that is read from outside.
const maxCheckpoint = 4096

// openCheckpoint checks the signature and the origin of a checkpoint.
func openCheckpoint(text []byte, origin string, keys note.Verifiers) (statement, error) {
	if len(text) > maxCheckpoint {
		return statement{}, fmt.Errorf("checkpoint of %d bytes is too long", len(text))
	}
	n, err := note.Open(text, keys)
	if err != nil {
		return statement{}, fmt.Errorf("open checkpoint: %w", err)
	}
	s, err := parseStatement(n.Text)
	if err != nil {
		return statement{}, err
	}
	if s.Origin != origin {
		return statement{}, fmt.Errorf("checkpoint is of the log %q, not of %q", s.Origin, origin)
	}
	return s, nil
}

func parseStatement(text string) (statement, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 {
		return statement{}, fmt.Errorf("checkpoint has %d lines, not at least 3", len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return statement{}, fmt.Errorf("checkpoint has no valid size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return statement{}, fmt.Errorf("root hash of checkpoint: %w", err)
	}
	return statement{Origin: lines[0], Size: size, Root: root}, nil
}
