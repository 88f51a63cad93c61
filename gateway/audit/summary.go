// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Summary is what a store keeps of one block of leaves, so that lists need not count
// every entry. It is computed from the entries and proves nothing: a verification
// computes it anew, and a removal of contents takes those away that it concerns.
type Summary struct {
	Block int64
	Body  []byte
}

// summary is a decoded one. Its cells are in the order of hours.
type summary struct {
	tenants []string
	combos  []*shared
	cells   []cell
}

// shared is a combination that many blocks have.
type shared struct {
	combination
	id int
}

type cell struct {
	hour             int32
	tenant, combo, n uint16
}

// summaryForm is the first byte of every body.
const summaryForm = 1

// fields are all texts of a combination, in the order in which they are stored.
func (c *combination) fields() [12]*string {
	return [...]*string{
		&c.system, &c.purpose, &c.service, &c.operation, &c.effect, &c.model, &c.residency, &c.revision,
		(*string)(&c.result), &c.rules, &c.outcome, &c.endRules,
	}
}

// encodeSummary writes the same bytes for the same facts.
func encodeSummary(facts map[fact]int) []byte {
	var words, tenants numbered[string]
	var combos numbered[combination]
	var cells []byte
	last := int64(0)
	sorted := slices.SortedFunc(maps.Keys(facts), fact.compare)
	for _, f := range sorted {
		cells = binary.AppendVarint(cells, f.hour-last)
		cells = binary.AppendUvarint(cells, tenants.number(string(f.tenant)))
		cells = binary.AppendUvarint(cells, combos.number(f.combination))
		cells = binary.AppendUvarint(cells, uint64(facts[f]))
		last = f.hour
	}
	var numbers []byte
	for _, c := range combos.list {
		for _, word := range c.fields() {
			numbers = binary.AppendUvarint(numbers, words.number(*word))
		}
	}
	out := []byte{summaryForm}
	for _, list := range [][]string{tenants.list, words.list} {
		out = binary.AppendUvarint(out, uint64(len(list)))
		for _, word := range list {
			out = append(binary.AppendUvarint(out, uint64(len(word))), word...)
		}
	}
	out = append(binary.AppendUvarint(out, uint64(len(combos.list))), numbers...)
	return append(binary.AppendUvarint(out, uint64(len(sorted))), cells...)
}

// numbered numbers values in the order in which they come.
type numbered[T comparable] struct {
	list []T
	at   map[T]uint64
}

func (n *numbered[T]) number(v T) uint64 {
	if at, ok := n.at[v]; ok {
		return at
	}
	if n.at == nil {
		n.at = map[T]uint64{}
	}
	n.at[v] = uint64(len(n.list))
	n.list = append(n.list, v)
	return n.at[v]
}

var errSummary = errors.New("the summary of a block is malformed")

// decodeSummary reads a body. share returns one copy of equal combinations.
func decodeSummary(body []byte, share func(combination) *shared) (summary, error) {
	r := summaryReader{rest: body}
	if r.byte() != summaryForm {
		return summary{}, errSummary
	}
	s := summary{tenants: r.words()}
	words := r.words()
	s.combos = make([]*shared, r.count())
	for i := range s.combos {
		var c combination
		for _, word := range c.fields() {
			if at := r.below(len(words)); at < len(words) {
				*word = words[at]
			}
		}
		s.combos[i] = share(c)
	}
	s.cells = make([]cell, r.count())
	hour := int64(0)
	for i := range s.cells {
		if hour += r.varint(); hour > math.MaxInt32 || hour < math.MinInt32 {
			return summary{}, errSummary
		}
		s.cells[i] = cell{int32(hour), uint16(r.below(len(s.tenants))), uint16(r.below(len(s.combos))), uint16(r.below(blockLeaves + 1))} // all are at most maxWords
	}
	if r.failed || len(r.rest) > 0 {
		return summary{}, fmt.Errorf("%w: it ends elsewhere", errSummary)
	}
	return s, nil
}

// summaryReader reads numbers and remembers that one of them was out of bounds.
type summaryReader struct {
	rest   []byte
	failed bool
}

func (r *summaryReader) byte() byte {
	if len(r.rest) == 0 {
		r.failed = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *summaryReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return took(r, v, n)
}

func took[T int64 | uint64](r *summaryReader, v T, n int) T {
	if n <= 0 {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// below reads a number that is less than the bound, else 0.
func (r *summaryReader) below(bound int) int {
	v, n := binary.Uvarint(r.rest)
	v = took(r, v, n)
	if v >= uint64(max(bound, 0)) {
		r.failed, r.rest = true, nil
		return 0
	}
	return int(v)
}

// count reads how many follow, each of which takes a byte at least.
func (r *summaryReader) count() int {
	return r.below(min(len(r.rest), maxWords) + 1)
}

// maxWords is what all stories of a block can differ in.
const maxWords = 13 * blockLeaves

func (r *summaryReader) words() []string {
	list := make([]string, r.count())
	for i := range list {
		n := r.below(len(r.rest) + 1)
		if n > len(r.rest) {
			r.failed = true
			return nil
		}
		list[i] = string(r.rest[:n])
		r.rest = r.rest[n:]
	}
	return list
}
