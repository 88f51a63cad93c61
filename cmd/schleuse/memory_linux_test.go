// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestReadOnlyMappings(t *testing.T) {
	t.Parallel()
	got := readOnly(strings.NewReader(`00400000-00a00000 r-xp 00000000 fd:00 12 /usr/bin/schleuse
00a00000-00b00000 r--p 00600000 fd:00 12 /usr/bin/schleuse
00b00000-00c00000 rw-p 00700000 fd:00 12 /usr/bin/schleuse
00c00000-00d00000 r--s 00700000 fd:00 12 /usr/bin/schleuse
7f000000-7f100000 r-xp 00000000 fd:00 13 /usr/lib/libc.so.6
7f200000-7f300000 rw-p 00000000 00:00 0
nonsense
`), "/usr/bin/schleuse")
	if want := []mapping{{0x400000, 0xa00000}, {0xa00000, 0xb00000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestReleaseProgram: the program goes on, with fewer pages of its file. It runs
// alone, since others would touch them again.
func TestReleaseProgram(t *testing.T) { //nolint:paralleltest // measures the whole process
	before := filePages()
	if before == 0 {
		t.Skip("no /proc")
	}
	releaseProgram()
	if after := filePages(); after >= before {
		t.Errorf("%d bytes of files are mapped, %d before", after, before)
	}
}
