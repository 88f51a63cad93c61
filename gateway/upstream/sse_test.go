// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// eventsOf are the events of a source, at most 1,000, and what ended it.
func eventsOf(src io.Reader, maxLine int) (all []string, err error) {
	r := newEventReader(src, maxLine, new(sync.Pool))
	for range 1000 {
		ev, err := r.next()
		if err != nil {
			return all, err
		}
		all = append(all, ev.name+"|"+string(ev.data))
	}
	return all, nil
}

func TestEventReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  string
		want []string
	}{
		"usual":                {"data: {}\n\ndata: 1\n\ndata: 2\n\n", []string{"|{}", "|1", "|2"}},
		"carriage returns":     {"data: 0\r\n\r\ndata: 1\r\n\r\ndata: 2\r\rdata:3\r\n\r\n", []string{"|0", "|1", "|2", "|3"}},
		"several lines":        {"data: 0\n\ndata: a\ndata: b\n\ndata: 1\n\n", []string{"|0", "|a\nb", "|1"}},
		"names and comments":   {": x\n\nevent: error\ndata: 0\n\ndata: 1\n\n: y\nevent: e\n\ndata: 2\n\n", []string{"error|0", "|1", "|2"}},
		"a return in the data": {"data: 0\n\ndata: a\rb: c\n\ndata: 1\n\n", []string{"|0", "|a", "|1"}},
		"no end":               {"data: 0\n\ndata: 1\n", []string{"|0", "|1"}},
		"half of a line":       {"data: 0\n\ndata: 1", []string{"|0", "|1"}},
		"empty data":           {"data: 0\n\ndata:\n\ndata: \n\ndata:  1\n\n", []string{"|0", "|", "|", "| 1"}},
		"byte order mark":      {"\xef\xbb\xbfdata: 0\n\ndata: 1\n\n", []string{"|0", "|1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, src := range map[string]io.Reader{"at once": strings.NewReader(c.raw), "byte by byte": iotest.OneByteReader(strings.NewReader(c.raw))} {
				if got, err := eventsOf(src, 1<<10); !reflect.DeepEqual(got, c.want) || !errors.Is(err, io.EOF) {
					t.Errorf("%s: events %q, error %v, want %q", way, got, err, c.want)
				}
			}
		})
	}
}

func TestEventReaderBoundsALine(t *testing.T) {
	t.Parallel()
	raw := "data: 0\n\ndata: " + strings.Repeat("x", 100) + "\n\n"
	if all, err := eventsOf(strings.NewReader(raw), 64); !errors.Is(err, errTooLong) || len(all) != 1 {
		t.Errorf("events %q, error %v", all, err)
	}
}

// It makes no difference in which pieces a stream arrives.
func FuzzEventReader(f *testing.F) {
	f.Add("data: {}\n\ndata: 1\r\n\r\nevent: x\ndata: a\rdata: b\n\n{\"error\":1}\n\ndata: [DONE]")
	f.Add("\xef\xbb\xbfdata:\r\rdata:\n\r\n: c\n\n")
	f.Fuzz(func(t *testing.T, raw string) {
		whole, err := eventsOf(strings.NewReader(raw), 256)
		bytewise, err2 := eventsOf(iotest.OneByteReader(strings.NewReader(raw)), 256)
		halves, err3 := eventsOf(iotest.HalfReader(strings.NewReader(raw)), 256)
		if !reflect.DeepEqual(whole, bytewise) || !reflect.DeepEqual(whole, halves) {
			t.Fatalf("%q gives %q at once, %q byte by byte, %q in halves", raw, whole, bytewise, halves)
		}
		if errors.Is(err, io.EOF) != errors.Is(err2, io.EOF) || errors.Is(err, io.EOF) != errors.Is(err3, io.EOF) {
			t.Fatalf("%q ends with %v, %v and %v", raw, err, err2, err3)
		}
	})
}

func TestEventReaderTellsBeforeItWaits(t *testing.T) {
	t.Parallel()
	waits := 0
	r := newEventReader(io.MultiReader(strings.NewReader("data: 1\n\ndata: 2\n\n"), strings.NewReader("data: 3\n\n")), 1<<10, new(sync.Pool))
	r.beforeWait = func() { waits++ }
	for i, want := range []int{1, 1, 2} {
		if _, err := r.next(); err != nil || waits != want {
			t.Errorf("event %d: %d waits, want %d, error %v", i+1, waits, want, err)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	c := clock{cancel: cancel}
	defer c.stop()
	for range 20 { // many short waits, together longer than the limit
		c.start(200*time.Millisecond, awaitNext)
		time.Sleep(15 * time.Millisecond)
		c.pause()
	}
	time.Sleep(250 * time.Millisecond) // nobody waits for the server
	if ctx.Err() != nil {
		t.Fatalf("the clock ended the exchange: %v", context.Cause(ctx))
	}
	c.start(time.Hour, awaitFirstByte)
	c.pause()
	begin := time.Now()
	c.start(30*time.Millisecond, awaitNext) // earlier than what the timer waits for
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("a wait that was too long went on")
	}
	if d := time.Since(begin); !errors.Is(context.Cause(ctx), errIdle) || d < 30*time.Millisecond {
		t.Errorf("ended after %v with %v", d, context.Cause(ctx))
	}
}

// BenchmarkEventReader reads events of 180 bytes from reads of 4 KiB, beside a
// baseline that only copies the bytes.
func BenchmarkEventReader(b *testing.B) {
	var raw bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&raw, "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" Wort%d\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n", i)
	}
	b.Run("events", func(b *testing.B) {
		b.ReportAllocs()
		r := newEventReader(bytes.NewReader(raw.Bytes()), 1<<20, new(sync.Pool))
		for b.Loop() {
			if _, err := r.next(); errors.Is(err, io.EOF) {
				r.src = bytes.NewReader(raw.Bytes())
			}
		}
	})
	b.Run("baseline_copy", func(b *testing.B) {
		b.ReportAllocs()
		event := raw.Bytes()[:raw.Len()/1000]
		for b.Loop() {
			_ = bytes.Clone(event)
		}
	})
}
