// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vaulttest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// The address and the point at which the process that killed starts stands still.
const (
	childAddress = "SCHLEUSE_TEST_VAULT_ADDRESS"
	childStop    = "SCHLEUSE_TEST_VAULT_STOP"
)

// killed kills a process in the middle of an erasure, at each point where it makes
// a difference.
func killed(t *testing.T, b Backend) {
	for _, stop := range []string{"after the note", "after the second note", "after the key", "after the contents"} {
		t.Run(stop, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, b)
			f.keep(f.content(tenant, "e-1", file, "anna", canary))
			backup := f.item("e-1")
			begun := f.killChild(stop)
			if !slices.Contains(begun, audit.TopicKeyDestroyed) {
				t.Fatalf("the process wrote %v before it was killed", begun)
			}
			again := f.open(f.config) // the next start
			if jobs, err := f.keys.Jobs(t.Context()); err != nil || len(jobs) != 0 {
				t.Errorf("jobs %+v, %v", jobs, err)
			}
			f.put(backup)
			if opened, err := again.Show(t.Context(), revisor(tenant), tenant, "e-1", because); err == nil {
				t.Errorf("the content can be read: %s", opened.Request.Body)
			}
			if key, err := f.keys.Key(t.Context(), tenant, backup.Key); err != nil || key.Destroyed.IsZero() || len(key.Wrapped) != 0 {
				t.Errorf("key %+v, %v", key, err)
			}
			if topics := f.record.topics(); len(topics) < 2 || topics[0] != audit.TopicKeyDestroyed || !strings.Contains(f.record.notes[0].Text, "nach einem Abbruch") {
				t.Errorf("notes %v", topics)
			}
		})
	}
}

// setBack: an erasure that was noted in the future is finished at a start and by a
// sweep, unless it is so near that another process may be at it.
func setBack(t *testing.T, b Backend) {
	begun := func(t *testing.T, ahead time.Duration) *fixture {
		t.Helper()
		f := newFixture(t, b)
		f.keep(f.content(tenant, "e-1", file, "anna", canary))
		job := vault.Job{ID: "j-1", Tenant: tenant, Case: pseudonymise(tenant, "case", file), Made: f.now.Now().Add(ahead), Actor: "p", Role: "mandant", Reason: reason}
		if err := f.keys.Begin(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		return f
	}
	start := func(_ context.Context, f *fixture) error {
		f.open(f.config)
		return nil
	}
	sweep := func(ctx context.Context, f *fixture) error {
		_, err := f.vault.Sweep(ctx)
		return err
	}
	for name, c := range map[string]struct {
		ahead time.Duration
		do    func(context.Context, *fixture) error
		left  int
	}{
		"a start":                                {400 * day, start, 0},
		"a start, a moment ahead":                {time.Second, start, 0},
		"a sweep":                                {400 * day, sweep, 0},
		"a sweep, a moment before its beginning": {time.Minute, sweep, 1},
		"a sweep, a moment after its beginning":  {-time.Minute, sweep, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := begun(t, c.ahead)
			if err := c.do(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if jobs, err := f.keys.Jobs(t.Context()); err != nil || len(jobs) != c.left {
				t.Errorf("jobs %+v, %v; want %d", jobs, err, c.left)
			}
			if c.left > 0 {
				f.shows("e-1", canary)
				return
			}
			f.hides("e-1")
		})
	}
}

// killChild starts a process that erases the case and kills it when it stands
// still. It returns the topics of the notes that it wrote.
func (f *fixture) killChild(stop string) (topics []string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 60*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$") //nolint:gosec // this test itself
	child.Env = append(os.Environ(), childAddress+"="+f.address, childStop+"="+stop)
	out, err := child.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		f.t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if topic, ok := strings.CutPrefix(line, "note "); ok {
			topics = append(topics, topic)
		}
		if line == "stands still" {
			_ = child.Process.Kill()
			_ = child.Wait()
			return topics
		}
	}
	f.t.Fatalf("the process ended by itself: %v", child.Wait())
	return nil
}

// Child is the process that Run kills. A package that calls Run calls it in a test
// TestChild.
func Child(t *testing.T, b Backend) {
	address, stop := os.Getenv(childAddress), os.Getenv(childStop)
	if address == "" {
		t.Skip("only in a process that is to be killed")
	}
	contents, keys := b.Attach(t, address)
	standStill := func() {
		fmt.Println("stands still")
		select {}
	}
	notes := 0
	r := &record{noted: func(n audit.Note) {
		fmt.Println("note " + n.Topic)
		if notes++; stop == "after the note" && notes == 1 || stop == "after the second note" && notes == 2 {
			standStill()
		}
	}}
	v, err := vault.New(t.Context(), vault.Config{
		Contents: still{contents, stop, standStill}, Keys: keys, Master: bytes.Repeat([]byte("m"), 32), Pseudonymise: pseudonymise, Record: r, State: statetest.Memory(),
		Now: newClock().Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Erase(t.Context(), administrator(tenant), theCase(), reason)
	t.Fatalf("the erasure ended: %v", err)
}

// still stands still where contents are removed.
type still struct {
	vault.Contents

	stop       string
	standStill func()
}

func (s still) Remove(ctx context.Context, items []vault.Item) (int, error) {
	if s.stop == "after the key" {
		s.standStill()
	}
	n, err := s.Contents.Remove(ctx, items)
	if s.stop == "after the contents" {
		s.standStill()
	}
	return n, err
}
