// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Files of an export.
const (
	fileReadme      = "README.txt"
	fileEntries     = "entries.jsonl"
	fileCheckpoint  = "checkpoint.txt"
	fileCheckpoints = "checkpoints.jsonl"
	fileKeys        = "public-keys.txt"
)

//go:embed export-readme.txt
var exportReadme string

// exportedLeaf is one line of entries.jsonl.
type exportedLeaf struct {
	Seq int64 `json:"seq"`
	// Entry are the exact bytes that were hashed.
	Entry json.RawMessage `json:"entry,omitempty"`
	// Removed stands in its place when the content was removed, with the hash of
	// the leaf.
	Removed *exportedStub `json:"removed,omitempty"`
	Leaf    *tlog.Hash    `json:"leaf,omitempty"`
	// Proof leads from the leaf to the root of checkpoint.txt.
	Proof []tlog.Hash `json:"proof"`
}

// exportedStub is what stays of a removed leaf.
type exportedStub struct {
	Kind   Kind             `json:"kind"`
	ID     string           `json:"id"`
	Tenant gateway.TenantID `json:"tenant"`
	At     int64            `json:"at"`
}

// exportedCheckpoint is one line of checkpoints.jsonl: an earlier checkpoint
// with the proof that its tree is a beginning of the one of checkpoint.txt.
type exportedCheckpoint struct {
	Checkpoint string      `json:"checkpoint"`
	Proof      []tlog.Hash `json:"proof"`
}

// Export writes a zip with the entries that match, a proof for every leaf, the
// signed checkpoints and the public keys, which VerifyExport proves without a
// database. A filter that restricts nothing and covers all tenants exports the
// whole log, notes included. Cursor, Limit and Totals of the filter do not count.
func (v *Viewer) Export(ctx context.Context, w io.Writer, f Filter) error {
	checkpoint, stated, err := v.newest(ctx)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	e := &exporter{viewer: v, zip: zip.NewWriter(w), stated: stated, checkpoint: checkpoint, hashes: newHashCache(ctx, v.reader)}
	for _, part := range []struct {
		name  string
		write func(context.Context, io.Writer) error
	}{
		{fileReadme, e.text(fmt.Sprintf(exportReadme, v.origin, stated.Size))},
		{fileKeys, e.text(strings.Join(v.public, "\n") + "\n")},
		{fileCheckpoint, e.text(string(checkpoint.Note))},
		{fileCheckpoints, e.checkpoints},
		{fileEntries, func(ctx context.Context, w io.Writer) error { return e.entries(ctx, w, f) }},
	} {
		if err := e.file(ctx, part.name, part.write); err != nil {
			return fmt.Errorf("export %s: %w", part.name, err)
		}
	}
	if err := e.zip.Close(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

type exporter struct {
	viewer     *Viewer
	zip        *zip.Writer
	stated     statement
	checkpoint Checkpoint
	hashes     tlog.HashReader
	// removals that the notes of the exported tree name.
	removals removals
}

func (e *exporter) file(ctx context.Context, name string, write func(context.Context, io.Writer) error) error {
	f, err := e.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: e.checkpoint.Time})
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 64<<10)
	if err := write(ctx, buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

func (e *exporter) text(s string) func(context.Context, io.Writer) error {
	return func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// maxExportedCheckpoints bounds checkpoints.jsonl; of a longer series every
// nth is exported.
const maxExportedCheckpoints = 1000

func (e *exporter) checkpoints(ctx context.Context, w io.Writer) error {
	out := json.NewEncoder(w)
	step := max(1, e.stated.Size/maxExportedCheckpoints)
	for size := int64(1); size < e.stated.Size; {
		next, err := e.viewer.reader.Checkpoints(ctx, size, 1)
		if err != nil {
			return err
		}
		if len(next) == 0 || next[0].Size >= e.stated.Size {
			return nil
		}
		proof, err := tlog.ProveTree(e.stated.Size, next[0].Size, e.hashes)
		if err != nil {
			return fmt.Errorf("prove checkpoint of %d: %w", next[0].Size, err)
		}
		if err := out.Encode(exportedCheckpoint{Checkpoint: string(next[0].Note), Proof: proof}); err != nil {
			return err
		}
		size = next[0].Size + step
	}
	return nil
}

func (e *exporter) entries(ctx context.Context, w io.Writer, f Filter) error {
	if f.everything() {
		return e.everything(ctx, w)
	}
	return e.viewer.eachPair(ctx, f, func(p Pair) error { return e.pair(w, p) })
}

func (e *exporter) everything(ctx context.Context, w io.Writer) error {
	err := e.viewer.removedNotes(ctx, 0, func(r Row) error {
		if r.Seq < e.stated.Size {
			_ = e.removals.learn(r.Seq, r.Body) // a damaged one is found by whoever verifies
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.removals.sort()
	for seq := int64(0); seq < e.stated.Size; {
		rows, err := e.viewer.reader.Rows(ctx, seq, pageSize)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if err := e.leaf(w, r); err != nil {
				return err
			}
		}
		seq = rows[len(rows)-1].Seq + 1
	}
	return nil
}

func (e *exporter) pair(w io.Writer, p Pair) error {
	if err := e.leaf(w, p.Open); err != nil || p.Close == nil {
		return err
	}
	return e.leaf(w, *p.Close)
}

// leaf writes one line; the bytes of the entry stay as they are.
func (e *exporter) leaf(w io.Writer, r Row) error {
	if r.Seq >= e.stated.Size {
		return nil // written after the checkpoint of this export
	}
	x, err := e.exported(r)
	if err != nil {
		return err
	}
	if x.Proof, err = tlog.ProveRecord(e.stated.Size, r.Seq, e.hashes); err != nil {
		return fmt.Errorf("prove leaf %d: %w", r.Seq, err)
	}
	line, err := x.line()
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

func (e *exporter) exported(r Row) (exportedLeaf, error) {
	if r.isStub() {
		if e.removals.find(r.Seq) == nil {
			return exportedLeaf{}, &gateway.Error{Op: "export record", Code: gateway.CodeConflict, Message: "Während des Auszugs wurden abgelaufene Inhalte entfernt. Bitte wiederholen Sie den Auszug."}
		}
		hashes, err := e.hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, r.Seq)})
		if err != nil {
			return exportedLeaf{}, fmt.Errorf("read the hash of leaf %d: %w", r.Seq, err)
		}
		return exportedLeaf{Seq: r.Seq, Removed: &exportedStub{r.Kind, r.ID, r.Tenant, r.Time}, Leaf: &hashes[0]}, nil
	}
	if !json.Valid(r.Body) || bytes.ContainsAny(r.Body, "\n\r") {
		return exportedLeaf{}, &gateway.Error{Op: "export record", Code: gateway.CodeInternal, RequestID: r.ID, Message: fmt.Sprintf("Der Eintrag Nr. %d des Protokolls ist beschädigt. Bitte prüfen Sie das Protokoll.", r.Seq)}
	}
	return exportedLeaf{Seq: r.Seq, Entry: r.Body}, nil
}

// line is the only form in which a leaf stands in an export. The verification
// accepts no other, so that no second "entry" can hide in a line.
func (l exportedLeaf) line() ([]byte, error) {
	proof, err := json.Marshal(append([]tlog.Hash{}, l.Proof...))
	if err != nil {
		return nil, fmt.Errorf("encode proof of leaf %d: %w", l.Seq, err)
	}
	if l.Removed == nil {
		return fmt.Appendf(nil, `{"seq":%d,"entry":%s,"proof":%s}`, l.Seq, l.Entry, proof), nil
	}
	stub, err := json.Marshal(l.Removed)
	if err != nil || l.Leaf == nil || l.Entry != nil {
		return nil, errors.Join(errForm, err)
	}
	return fmt.Appendf(nil, `{"seq":%d,"removed":%s,"leaf":"%s","proof":%s}`, l.Seq, stub, l.Leaf, proof), nil
}

// hashCache reads stored hashes in blocks: the proofs of neighbours share
// nearly all of them.
type hashCache struct {
	ctx    context.Context //nolint:containedctx // tlog.HashReader hands none over; the cache lives for one export
	reader Reader
	blocks map[int64][]tlog.Hash
	end    map[int64]tlog.Hash // hashes of blocks that are not full yet
}

const (
	blockSize = 256
	maxBlocks = 1024
)

func newHashCache(ctx context.Context, r Reader) *hashCache {
	return &hashCache{ctx: ctx, reader: r, blocks: map[int64][]tlog.Hash{}, end: map[int64]tlog.Hash{}}
}

// ReadHashes implements tlog.HashReader.
func (c *hashCache) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, err := c.hash(index)
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}

func (c *hashCache) hash(index int64) (tlog.Hash, error) {
	number := index / blockSize
	if block, ok := c.blocks[number]; ok {
		return block[index%blockSize], nil
	}
	if h, ok := c.end[index]; ok {
		return h, nil
	}
	indexes := make([]int64, blockSize)
	for i := range indexes {
		indexes[i] = number*blockSize + int64(i)
	}
	if block, err := c.reader.Hashes(c.ctx, indexes); err == nil {
		if len(c.blocks) >= maxBlocks {
			clear(c.blocks)
		}
		c.blocks[number] = block
		return block[index%blockSize], nil
	}
	one, err := c.reader.Hashes(c.ctx, []int64{index})
	if err != nil {
		return tlog.Hash{}, err
	}
	c.end[index] = one[0]
	return one[0], nil
}
