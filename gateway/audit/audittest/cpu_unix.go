// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build unix

package audittest

import (
	"syscall"
	"testing"
	"time"
)

// reportCPU adds the processor time of this process, garbage collection
// included, per operation: the figure that stays when the machine is busy.
func reportCPU(b *testing.B, run func()) {
	b.Helper()
	before := processorTime(b)
	run()
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
