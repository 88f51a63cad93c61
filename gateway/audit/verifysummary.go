// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bytes"
	"context"
	"math"

	"golang.org/x/mod/sumdb/tlog"
)

// summarise computes the summaries of the blocks that are complete.
func (c *check) summarise() {
	_ = c.counts.settled(func(n int64, facts map[fact]int) error { // do returns none
		if c.digests == nil {
			c.digests = map[int64]tlog.Hash{}
		}
		c.digests[n] = tlog.RecordHash(encodeSummary(facts))
		return nil
	})
}

// summaries compares those that are kept with what was computed.
func (c *check) summaries(ctx context.Context) error {
	for next := int64(math.MinInt64); ; {
		page, err := c.viewer.reader.Summaries(ctx, next, 64)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, s := range page {
			if digest, ok := c.digests[s.Block]; ok && digest == tlog.RecordHash(s.Body) {
				continue
			}
			right, err := c.recount(ctx, s)
			if err != nil {
				return err
			}
			if !right {
				c.report.add(ProblemSummary, -1, "", "Die gespeicherten Anzahlen zu den Blättern ab Nr. %d stimmen nicht mit den Einträgen überein. Listen können falsche Summen zeigen.", s.Block*blockLeaves)
			}
		}
		next = page[len(page)-1].Block + 1
	}
}

// recount counts a block again, because stories of it may have ended meanwhile, or
// contents of it been removed, and the summary with them.
func (c *check) recount(ctx context.Context, s Summary) (bool, error) {
	if s.Block < 0 || s.Block > maxTreeSize/blockLeaves {
		return false, nil
	}
	const tries = 10 // each of them beside another removal
	for range tries {
		b, err := countBlock(ctx, c.viewer.reader, s.Block, math.MaxInt64)
		if err != nil {
			return false, err
		}
		again, err := c.viewer.reader.Summaries(ctx, s.Block, 1)
		if err != nil {
			return false, err
		}
		if len(again) == 0 || again[0].Block != s.Block {
			return true, nil
		}
		if bytes.Equal(again[0].Body, s.Body) {
			return len(b.open) == 0 && bytes.Equal(encodeSummary(b.facts), s.Body), nil
		}
		s = again[0]
	}
	return false, nil
}
