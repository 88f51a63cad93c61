// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Environment of the child process that is killed.
const (
	childAddress = "SCHLEUSE_TEST_RECORD_ADDRESS"
	childKey     = "SCHLEUSE_TEST_RECORD_KEY"
)

// Child writes without end and says so on its standard output, one line for
// each entry that is durable. A store's test calls it from TestChild; it does
// something only in the process that killed starts.
func Child(t *testing.T, b Backend) {
	address := os.Getenv(childAddress)
	if address == "" {
		t.Skip("runs only as the child of another test")
	}
	log, err := audit.New(context.Background(), audit.Config{Store: b.Attach(t, address), Key: os.Getenv(childKey)})
	if err != nil {
		t.Fatalf("start the log: %v", err)
	}
	kept := Record(0, "musterhausen") // is open whenever the process dies
	kept.ID = fmt.Sprintf("%d-kept", os.Getpid())
	if err := log.Open(context.Background(), kept); err != nil {
		t.Fatalf("open: %v", err)
	}
	fmt.Println("opened " + kept.ID)
	lines := make(chan string)
	for w := range 8 {
		go stream(log, w, lines)
	}
	for line := range lines {
		fmt.Println(line)
	}
}

// stream answers one request after the other, each for some milliseconds.
func stream(log *audit.Log, writer int, lines chan<- string) {
	for n := 0; ; n++ {
		r := Record(writer*1_000_000+n, "musterhausen")
		r.ID = fmt.Sprintf("%d-%s", os.Getpid(), r.ID)
		if err := log.Open(context.Background(), r); err != nil {
			lines <- "error " + err.Error()
			return
		}
		lines <- "opened " + r.ID
		time.Sleep(time.Duration(1+n%5) * time.Millisecond)
		if err := log.Close(context.Background(), Closing(r)); err != nil {
			lines <- "error " + err.Error()
			return
		}
		lines <- "closed " + r.ID
	}
}

// killed kills a process that is writing, several times, and proves the log.
func killed(t *testing.T, b Backend) {
	db := b.New(t)
	private, _ := Key(t)
	for _, after := range []int{50, 333, 700} {
		opened, closed := killChild(t, db.Address, private, after)
		store := b.Attach(t, db.Address)
		log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private, Sweep: 100 * time.Millisecond})
		if err != nil {
			t.Fatalf("start after the crash: %v", err)
		}
		report := verify(t, log)
		for deadline := time.Now().Add(10 * time.Second); report.Unfinished > 0 && time.Now().Before(deadline); report = verify(t, log) {
			time.Sleep(50 * time.Millisecond) // until the server has noticed that the child is gone
		}
		mustBeSound(t, report)
		if report.Unfinished > 0 {
			t.Errorf("%d entries of the killed process stay open", report.Unfinished)
		}
		for id := range opened {
			entry, err := log.Show(context.Background(), audit.Scope{Tenant: "musterhausen"}, id)
			if err != nil || !entry.Open.Valid {
				t.Fatalf("entry %s was durable before the crash and is gone: %v", id, err)
			}
			if closed[id] && entry.Closing.Outcome == gateway.OutcomeInterrupted {
				t.Errorf("entry %s had ended and is called interrupted", id)
			}
		}
		page, err := log.List(context.Background(), audit.Filter{Scope: audit.Scope{All: true}, Outcome: gateway.OutcomeInterrupted, Totals: true})
		if err != nil || page.Totals.Count == 0 {
			t.Errorf("interrupted entries: %+v, %v; want at least one", page.Totals, err)
		}
		shutdown(t, log)
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// killChild starts the child, kills it after some lines and returns what it
// had reported as durable and as ended.
func killChild(t *testing.T, address, private string, after int) (opened, closed map[string]bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v") //nolint:gosec // this test program itself
	child.Env = append(os.Environ(), childAddress+"="+address, childKey+"="+private)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatalf("pipe: %v", err)
	}
	if err := child.Start(); err != nil {
		t.Fatalf("start child: %v", err)
	}
	opened, closed = map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); {
		word, id, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "opened":
			opened[id] = true
		case "closed":
			closed[id] = true
		case "error":
			t.Errorf("child: %s", id)
		default:
			continue
		}
		if n++; n == after {
			if err := child.Process.Kill(); err != nil {
				t.Fatalf("kill: %v", err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(opened) < after/3 {
		t.Fatalf("the child wrote only %d entries", len(opened))
	}
	return opened, closed
}
