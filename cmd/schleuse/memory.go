// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync"
)

// How far the heap may grow beyond what lives before it is collected. Go takes as
// much as lives; of a gateway that is some 15 MB, so under load it would collect
// several times a second, and with hundreds of open streams it would hold twice
// their memory.
const (
	heapRoom       = 32 << 20
	leastGCPercent = 50
	mostGCPercent  = 400
)

// liveHeap is what the last collection left.
const liveHeap = "/gc/heap/live:bytes"

// gcPercent is what GOGC has to be for heapRoom when so many bytes live.
func gcPercent(live uint64) int {
	percent := heapRoom * 100 / max(live, 1)
	percent -= percent % 10 // every change stops the world for a moment
	return int(min(max(percent, leastGCPercent), mostGCPercent))
}

// tuneMemory has the collector leave heapRoom until stop is called, unless the
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

// releaseStart gives back what only the start needed: most of it went into
// compiling rules and reading catalogues.
func releaseStart() { debug.FreeOSMemory() }
