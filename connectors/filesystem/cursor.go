// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package filesystem

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/connectors"
)

const (
	cursorVersion = 1
	maxCursor     = 256 << 20
	// settled is how old a file's time must be before size and time alone prove
	// that it did not change: file systems count in steps of up to 2 seconds.
	settled = 2 * time.Second
)

// snapshot is what a cursor holds: what the last pass saw.
type snapshot struct {
	Version int             `json:"v"`
	Time    int64           `json:"t"`
	Files   map[string]seen `json:"f"`
}

// seen is one file as the last pass saw it.
type seen struct {
	Size   int64  `json:"s"`
	Time   int64  `json:"t"`
	Hash   string `json:"h"`
	Access string `json:"a"`
}

// trusts says that size and time are enough to know the content is the same.
func (s snapshot) trusts(old, now seen) bool {
	return old.Size == now.Size && old.Time == now.Time && now.Time < s.Time-int64(settled)
}

func (s snapshot) names() []string { return slices.Sorted(maps.Keys(s.Files)) }

func encodeCursor(s snapshot) (connectors.Cursor, error) {
	s.Version = cursorVersion
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(s); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decodeCursor answers ErrCursorExpired to anything it does not understand.
func decodeCursor(c connectors.Cursor) (snapshot, error) {
	if len(c) == 0 {
		return snapshot{}, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(c))
	if err != nil {
		return snapshot{}, connectors.ErrCursorExpired
	}
	var s snapshot
	if err := json.NewDecoder(io.LimitReader(z, maxCursor)).Decode(&s); err != nil || s.Version != cursorVersion {
		return snapshot{}, connectors.ErrCursorExpired
	}
	return s, nil
}

// accessHash changes whenever the rights change.
func accessHash(a connectors.Access) string {
	allow, deny := slices.Sorted(slices.Values(a.Allow)), slices.Sorted(slices.Values(a.Deny))
	sum := sha256.Sum256([]byte(strconv.FormatBool(a.Exact) + "\n" + strings.Join(allow, "\x00") + "\n" + strings.Join(deny, "\x00")))
	return hex.EncodeToString(sum[:8])
}
