// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package load

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuMeter reads the CPU time of a process. The sum over its threads in schedstat
// has the resolution of the scheduler's clock but forgets threads that ended;
// stat forgets nothing but counts in ticks of 10 ms. The larger difference holds.
type cpuMeter struct {
	pid     int
	threads map[string]time.Duration
	ticks   time.Duration
}

func startCPU(pid int) cpuMeter {
	return cpuMeter{pid: pid, threads: threadTimes(pid), ticks: tickTime(pid)}
}

// used is the CPU time since the start.
func (c cpuMeter) used() time.Duration {
	var fine time.Duration
	for id, t := range threadTimes(c.pid) {
		fine += t - c.threads[id]
	}
	const tick = 10 * time.Millisecond
	if coarse := tickTime(c.pid) - c.ticks; coarse > fine+2*tick {
		return coarse
	}
	return fine
}

func threadTimes(pid int) map[string]time.Duration {
	out := map[string]time.Duration{}
	if pid == 0 {
		return out
	}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended meanwhile
		}
		fields := strings.Fields(string(raw))
		if len(fields) == 0 {
			continue
		}
		if ns, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			out[f] = time.Duration(ns)
		}
	}
	return out
}

// tickTime is user and system time from /proc/PID/stat.
func tickTime(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStat(raw)
}

// parseStat: the name in brackets may hold anything, so count from the last one.
func parseStat(raw []byte) time.Duration {
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, errUser := strconv.ParseInt(string(fields[11]), 10, 64)
	system, errSystem := strconv.ParseInt(string(fields[12]), 10, 64)
	if errUser != nil || errSystem != nil {
		return 0
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// RSS is the memory of a process in bytes, 0 when it cannot be read.
func RSS(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// watchRSS returns the largest RSS when the context ends.
func watchRSS(ctx context.Context, pid int) <-chan int64 {
	out := make(chan int64, 1)
	go func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		peak := RSS(pid)
		for {
			select {
			case <-ctx.Done():
				out <- max(peak, RSS(pid))
				return
			case <-ticker.C:
				peak = max(peak, RSS(pid))
			}
		}
	}()
	return out
}

// listener is the process that listens at the port, 0 when none is found.
func listener(port string) int {
	want, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			if inode, ok := listens(line, want); ok {
				sockets["socket:["+inode+"]"] = true
			}
		}
	}
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range open {
		if link, err := os.Readlink(fd); err == nil && sockets[link] {
			pid, _ := strconv.Atoi(strings.Split(fd, "/")[2])
			return pid
		}
	}
	return 0
}

// listens reads a line of /proc/net/tcp.
func listens(line string, port uint64) (inode string, ok bool) {
	fields := strings.Fields(line)
	const listening = "0A"
	if len(fields) < 10 || fields[3] != listening {
		return "", false
	}
	_, hex, found := strings.Cut(fields[1], ":")
	got, err := strconv.ParseUint(hex, 16, 16)
	return fields[9], found && err == nil && got == port
}
