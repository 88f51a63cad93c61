// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package load

import (
	"net"
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  string
		want time.Duration
	}{
		"usual":          {"12 (go) S 1 1 1 0 -1 0 0 0 0 0 7 5 0 0 20 0", 120 * time.Millisecond},
		"name with ) in": {"12 (a) b) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0", 30 * time.Millisecond},
		"short":          {"12 (go) S 1", 0},
		"empty":          {"", 0},
	} {
		if got := parseStat([]byte(c.raw)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestListenerAndCPUOfThisProcess(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if got := listener(port); got != os.Getpid() {
		t.Errorf("listener of %s is %d, want %d", port, got, os.Getpid())
	}
	meter := startCPU(os.Getpid())
	for begun := time.Now(); meter.used() < 5*time.Millisecond; {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("a busy process seems to use no CPU")
		}
	}
	if RSS(os.Getpid()) < 1<<20 {
		t.Error("the memory of this process is under 1 MiB")
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("12 (go) S 1 1 1 0 -1 0 0 0 0 0 7 5 0 0 20 0"), "0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0 1234")
	f.Fuzz(func(t *testing.T, stat []byte, line string) {
		_ = parseStat(stat)
		if inode, ok := listens(line, 8080); ok && inode == "" {
			t.Error("a listener without inode")
		}
	})
}
