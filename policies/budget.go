// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"errors"
	"runtime"
	"runtime/metrics"
	"time"
)

// defaultMemory is how much the process may grow while foreign rules are examined.
const defaultMemory = 256 << 20

// errMemory ends what takes too much.
var errMemory = errors.New("the rules take too much memory")

// withinMemory ends the context when the heap of the process grows by more than a
// bound. OPA has no bound of its own; an evaluation notices the end between two
// steps, and what a single function call makes is bounded before it (plan.MaxText).
// Garbage, also that of others, is no growth: it is collected first, unless there
// is so much that there is no time for it. Others who keep memory meanwhile are
// taken for the rules: an examination that is ended for that can be repeated, a
// process that is ended cannot.
func withinMemory(ctx context.Context, bound uint64) (context.Context, func()) {
	if bound == 0 {
		bound = defaultMemory
	}
	ctx, cancel := context.WithCancelCause(ctx)
	begin := heapBytes()
	go func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if tooMuch(begin, bound) {
					cancel(errMemory)
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// urgent times the bound there is no time to collect garbage.
const urgent = 4

func tooMuch(begin, bound uint64) bool {
	now := heapBytes()
	if now <= begin+bound {
		return false
	}
	if now > begin+urgent*bound {
		return true
	}
	runtime.GC()
	return heapBytes() > begin+bound
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
