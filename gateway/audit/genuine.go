// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"log/slog"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// genuinePage is how many contents are looked at together.
const genuinePage = 64

// genuine leaves out the stories and notes of which the columns contradict what was
// signed. What is due is found by its columns; whoever changes them in the database
// must not have the contents removed, and the traces of the change with them.
func (r *retentionRun) genuine(ctx context.Context, rows []Row) ([]Row, error) {
	_, stated, err := r.log.newest(ctx)
	if err != nil {
		return nil, err
	}
	seqs := make([]int64, len(rows))
	for i, row := range rows {
		seqs[i] = row.Seq
	}
	signed := make(map[int64]bool, len(rows))
	hashes := newHashCache(ctx, r.log.reader)
	for _, span := range ranges(seqs) {
		for from := span[0]; from <= span[1]; from += genuinePage {
			to := min(from+genuinePage-1, span[1])
			if err := r.compare(ctx, stated, hashes, rows, from, to, signed); err != nil {
				return nil, err
			}
		}
	}
	changed := map[string]bool{}
	for _, row := range rows {
		if !signed[row.Seq] && !changed[row.ID] {
			changed[row.ID] = true
			r.report.Changed++
			r.log.config.Logger.LogAttrs(ctx, slog.LevelError, "content is not removed: what is stored is not what was signed", slog.Int64("leaf", row.Seq))
		}
	}
	return slices.DeleteFunc(rows, func(row Row) bool { return changed[row.ID] }), nil
}

// compare notes which of the rows are what was signed.
func (r *retentionRun) compare(ctx context.Context, stated statement, hashes tlog.HashReader, rows []Row, from, to int64, signed map[int64]bool) error {
	stored, err := r.log.reader.Rows(ctx, from, int(to-from+1))
	if err != nil {
		return err
	}
	for _, whole := range stored {
		at, found := slices.BinarySearchFunc(rows, whole.Seq, func(row Row, seq int64) int { return int(min(1, max(-1, row.Seq-seq))) })
		if !found || whole.Seq > to {
			continue
		}
		leaf, err := parseLeaf(whole.Body)
		if err != nil || len(differences(rows[at], leaf)) > 0 || whole.Seq >= stated.Size {
			continue
		}
		proof, err := r.log.prove(stated, whole, hashes)
		if err != nil && ctx.Err() != nil {
			return err
		}
		signed[whole.Seq] = err == nil && proof.Valid
	}
	return nil
}
