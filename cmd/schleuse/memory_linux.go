// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releaseProgram unmaps the pages of the program file that the start has touched:
// code that ran once, tables that were read once. What is needed again comes from
// the system's page cache, without reading the disk. Without /proc nothing happens.
func releaseProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	for _, m := range readOnly(maps, program) {
		// An error means that the pages stay, which is what was before.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED)
	}
}

// filePages is how much of files is mapped, in bytes; 0: unknown.
func filePages() int {
	sizes, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(sizes)) // size, resident, shared …
	if len(fields) < 3 {
		return 0
	}
	pages, err := strconv.Atoi(fields[2])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}

type mapping struct{ from, to uintptr }

// readOnly are the mappings of a file that nobody can have written to: those are
// the same whenever they are read again.
func readOnly(maps io.Reader, file string) []mapping {
	var out []mapping
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		// 00400000-01a2b000 r-xp 00000000 fd:00 1234    /usr/bin/schleuse
		fields := strings.Fields(lines.Text())
		if len(fields) != 6 || fields[5] != file || strings.Contains(fields[1], "w") || !strings.HasSuffix(fields[1], "p") {
			continue
		}
		first, last, _ := strings.Cut(fields[0], "-")
		from, err1 := strconv.ParseUint(first, 16, 64)
		to, err2 := strconv.ParseUint(last, 16, 64)
		if err1 == nil && err2 == nil && from < to {
			out = append(out, mapping{uintptr(from), uintptr(to)})
		}
	}
	return out
}
