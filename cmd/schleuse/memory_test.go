// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		live uint64
		want int
	}{
		{"nothing is known yet", 0, 400},
		{"a small heap may grow to its size", 16 << 20, 150},
		{"rounded down", 15 << 20, 160},
		{"as much as lives", 20 << 20, 100},
		{"half of it", 27 << 20, 50},
		{"many streams", 48 << 20, 50},
		{"a large heap", 1 << 30, 50},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := gcPercent(tc.live); got != tc.want {
				t.Errorf("gcPercent(%d) = %d, want %d", tc.live, got, tc.want)
			}
		})
	}
}

// Not parallel: GOGC is that of the process.
func TestMemoryFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	defer tuneMemory()()
	kept := make([]byte, 256<<20)
	sample := []runtimemetrics.Sample{{Name: "/gc/gogc:percent"}}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		runtimemetrics.Read(sample)
		if sample[0].Value.Uint64() == leastGCPercent {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("GOGC = %d with a large heap, want %d", sample[0].Value.Uint64(), leastGCPercent)
		}
	}
	runtime.KeepAlive(kept)
}

func TestMemoryLeavesTheOperatorsWord(t *testing.T) {
	before := debug.SetGCPercent(70)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "70")
	defer tuneMemory()()
	runtime.GC()
	time.Sleep(50 * time.Millisecond)
	if got := debug.SetGCPercent(70); got != 70 {
		t.Errorf("GOGC = %d, want the operator's 70", got)
	}
}

// Not parallel: others allocate.
func TestRestHasMemoryToSpare(t *testing.T) {
	r := newRest()
	r.spare()
	func() { // the load is garbage when this returns
		load := make([]byte, 64<<20)
		for i := range load {
			load[i] = 1
		}
		if got := r.spare(); got != 0 {
			t.Errorf("%d bytes to spare under load, want 0", got)
		}
		runtime.KeepAlive(load)
	}()
	runtime.GC()
	if got := r.spare(); got < 32<<20 {
		t.Errorf("%d bytes to spare at rest, want those of the load", got)
	}
	debug.FreeOSMemory()
	if got := r.spare(); got > 32<<20 {
		t.Errorf("%d bytes to spare after they were given back", got)
	}
}
