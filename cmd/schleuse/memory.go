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

// releaseStart gives back what only the start needed: most of it went into
// compiling rules and reading catalogues.
func releaseStart(ctx context.Context) {
	debug.FreeOSMemory()
	releaseProgram()
	select {
	case <-ctx.Done():
	case <-time.After(settle):
		releaseProgram()
	}
}
