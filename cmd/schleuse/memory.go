// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync"
	"time"
)

// The heap may grow to heapSize before it is collected, and by half of what lives
// in any case. Go takes as much again as lives; of a gateway under load that is
// some 15 MB, which it would fill and collect several times a second, while with
// hundreds of open streams it would hold twice their memory.
const (
	heapSize       = 40 << 20
	leastGCPercent = 50
	mostGCPercent  = 400
)

// liveHeap is what the last collection left.
const liveHeap = "/gc/heap/live:bytes"

// gcPercent is what GOGC has to be when so many bytes live.
func gcPercent(live uint64) int {
	live = max(live, 1)
	percent := (heapSize - min(live, heapSize)) * 100 / live
	percent -= percent % 10 // every change stops the world for a moment
	return int(min(max(percent, leastGCPercent), mostGCPercent))
}

// tuneMemory has the collector follow what lives until stop is called, unless the
// operator has set GOGC. GOMEMLIMIT holds in any case: the runtime obeys it
// before the percentage.
func tuneMemory() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	c := &collector{percent: 100, live: []runtimemetrics.Sample{{Name: liveHeap}}}
	c.follow()
	return c.stop
}

// collector sets GOGC after every collection to what lives then.
type collector struct {
	mu      sync.Mutex
	stopped bool
	percent int
	live    []runtimemetrics.Sample
}

// collection is garbage at once: its cleanup tells that the collector has run. It
// holds a pointer, since small objects without one share their memory.
type collection struct{ _ *collection }

func (c *collector) follow() {
	runtime.AddCleanup(&collection{}, (*collector).collected, c)
}

func (c *collector) collected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	runtimemetrics.Read(c.live)
	if percent := gcPercent(c.live[0].Value.Uint64()); percent != c.percent {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
	c.follow()
}

func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

// settle is how long the last of the start takes: checks of endpoints, first reads
// of the record.
const settle = time.Second

// releaseMemory gives back what only the start needed: most of it went into
// compiling rules and reading catalogues. From then on it looks seldom whether
// there is something to give back: the room of a load that is over, and those
// pages of the program that were used once, with what lies around them.
func releaseMemory(ctx context.Context) {
	debug.FreeOSMemory()
	releaseProgram()
	r := newRest()
	for pause, enough := settle, 0; sleep(ctx, pause); pause, enough = seldom, enoughProgram {
		if r.spare() > enoughHeap {
			debug.FreeOSMemory()
		}
		if filePages() > enough {
			releaseProgram()
		}
	}
}

// sleep waits, and returns false when the context ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}

const (
	seldom = 30 * time.Second
	// enoughHeap is how much of the heap may lie idle in a process at rest,
	// enoughProgram how much of files may stay mapped. To map again what is in use
	// takes less than a millisecond.
	enoughHeap    = 8 << 20
	enoughProgram = 16 << 20
	// littleWork is how much a process at rest allocates between two looks.
	littleWork = 4 << 20
)

// rest sees whether the process is at rest.
type rest struct {
	samples   []runtimemetrics.Sample
	allocated uint64 // until the last look
}

func newRest() *rest {
	return &rest{samples: []runtimemetrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: liveHeap}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}}
}

// spare is how much memory the heap has beyond what lives, 0 while it is used: to
// give it back then would be to ask for it again.
func (r *rest) spare() int {
	runtimemetrics.Read(r.samples)
	allocated, live := r.samples[0].Value.Uint64(), r.samples[1].Value.Uint64()
	work := allocated - r.allocated
	r.allocated = allocated
	if work > littleWork {
		return 0
	}
	return int(r.samples[2].Value.Uint64()+r.samples[3].Value.Uint64()) - int(live)
}
