// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sort"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// removal is a note of the record about contents that were removed when their time
// was over.
type removal struct {
	Ranges [][2]int64 `json:"ranges"`
	Rows   int        `json:"rows"`
	SHA256 string     `json:"sha256"`
	Newest time.Time  `json:"newest"`
	Floor  int        `json:"floor_days"`

	written time.Time
	leaf    tlog.Hash // of the note itself
	sum     hash.Hash
	met     int
	inTree  bool
}

// meet takes the next of its rows. Ids and tenants contain no zero byte.
func (r *removal) meet(seq int64, s stub) {
	r.met++
	_, _ = fmt.Fprintf(r.sum, "%d\x00%s\x00%s\x00%s\x00%d\n", seq, s.Kind, s.ID, s.Tenant, s.At) // a hash takes all
}

// removals are all such notes of an export.
type removals struct {
	notes map[int64]*removal
	parts []part
}

type part struct {
	from, to int64
	note     *removal
}

var mark = []byte(`"topic":"retained"`)

// learn reads the notes before the rest. What is malformed names nothing.
func (c *check) learn(line []byte) error {
	if !bytes.Contains(line, mark) {
		return nil
	}
	l, err := parseLine(line)
	var said content
	if err != nil || l.Removed != nil || json.Unmarshal(l.Entry, &said) != nil || said.Note == nil || said.Note.Topic != "retained" {
		return nil //nolint:nilerr // the line is judged with the others
	}
	n := &removal{written: said.Note.Time, leaf: tlog.RecordHash(l.Entry), sum: sha256.New()}
	if json.Unmarshal(said.Note.New, n) != nil {
		return nil //nolint:nilerr // a finding of the verification
	}
	rows, last := int64(0), int64(-1)
	for _, p := range n.Ranges {
		if p[0] <= last || p[1] < p[0] || p[1] >= l.Seq {
			return nil
		}
		rows, last = rows+p[1]-p[0]+1, p[1]
	}
	if rows != int64(n.Rows) {
		return nil
	}
	if c.removals.notes[l.Seq] != nil {
		return nil
	}
	if c.removals.notes == nil {
		c.removals.notes = map[int64]*removal{}
	}
	c.removals.notes[l.Seq] = n
	for _, p := range n.Ranges {
		c.removals.parts = append(c.removals.parts, part{p[0], p[1], n})
	}
	return nil
}

func (r *removals) sort() {
	sort.SliceStable(r.parts, func(i, j int) bool { return r.parts[i].from < r.parts[j].from })
}

// find returns the note that names a leaf.
func (r *removals) find(seq int64) *removal {
	at := sort.Search(len(r.parts), func(i int) bool { return r.parts[i].from > seq }) - 1
	if at < 0 || seq > r.parts[at].to {
		return nil
	}
	return r.parts[at].note
}

// confirm says that a leaf is in the tree.
func (r *removals) confirm(seq int64, leaf tlog.Hash) {
	if n := r.notes[seq]; n != nil && n.leaf == leaf {
		n.inTree = true
	}
}

// judge compares the notes with what was met.
func (r *removals) judge(to *result) {
	for _, seq := range slices.Sorted(maps.Keys(r.notes)) {
		n := r.notes[seq]
		switch {
		case !n.inTree:
			to.add("Blatt %d: Der Vermerk über entfernte Inhalte steht so nicht im unterschriebenen Protokoll.", seq)
		case n.met != n.Rows || base64.StdEncoding.EncodeToString(n.sum.Sum(nil)) != n.SHA256:
			to.add("Blatt %d: Was von den entfernten Blättern noch da ist, weicht von dem ab, was der Vermerk festhält.", seq)
		case n.Newest.After(n.written.Add(-time.Duration(n.Floor) * 24 * time.Hour)):
			to.add("Blatt %d: Inhalte wurden vor dem Ende ihrer Mindestfrist entfernt.", seq)
		}
	}
}
