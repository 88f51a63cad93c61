// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// running is a town that serves on a port of its own and can be given another
// configuration.
type running struct {
	*town
	service *service
	url     string
	next    atomic.Pointer[Config]
	stop    context.CancelFunc
	ended   chan error
}

func serveTown(t *testing.T) *running {
	t.Helper()
	r := &running{town: setup(t, ""), ended: make(chan error, 1)}
	r.next.Store(&r.config)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String()
	r.service = newService(r.parts, func() (Config, error) {
		c := *r.next.Load()
		return c, c.Validate()
	})
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.ended <- r.service.run(ctx, r.parts, listener) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-r.ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Error("the service did not end")
		}
	})
	for range 20_000 {
		if r.service.current.Load() != nil {
			return r
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the service did not begin")
	return nil
}

func (r *running) chat(ctx context.Context, model string, stream bool) (*http.Response, error) {
	body := fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"user","content":"Guten Tag"}]}`, model, stream)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+r.key)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Schleuse-Purpose", "summarise")
	return http.DefaultClient.Do(q)
}

// withModel is the configuration with one model of another name.
func (r *running) withModel(id gateway.ModelID) *Config {
	c := r.config
	c.Models = slices.Clone(c.Models)
	c.Models[0].ID, c.Models[0].Upstream = id, "modell"
	return &c
}

// A new configuration takes over while requests run: none fails, and a stream
// that began under the old one ends under it.
func TestReloadDropsNoRequest(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	hold := make(chan struct{})
	r.model.Next(upstreamtest.Behaviour{Hold: hold, Text: "eins zwei drei"})
	stream, err := r.chat(t.Context(), "modell", true)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()

	ctx, enough := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var answered, failed atomic.Int64
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				answer, err := r.chat(t.Context(), "", false)
				if err != nil {
					failed.Add(1)
					continue
				}
				if answer.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				answered.Add(1)
				_ = answer.Body.Close()
			}
		})
	}
	for i := range 5 {
		r.next.Store(r.withModel(gateway.ModelID(fmt.Sprintf("modell-%d", i))))
		if err := r.service.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	enough()
	load.Wait()
	if failed.Load() > 0 || answered.Load() == 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), answered.Load())
	}
	for name, want := range map[string]int{"modell": http.StatusNotFound, "modell-4": http.StatusOK} {
		answer, err := r.chat(t.Context(), name, false)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: status %d, want %d", name, answer.StatusCode, want)
		}
	}
	close(hold)
	rest, err := io.ReadAll(stream.Body)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(rest)), "data: [DONE]") {
		t.Errorf("the stream ended with %q, %v", rest[max(0, len(rest)-80):], err)
	}
}

// A configuration with a mistake, or one that needs a new start, changes nothing.
func TestReloadOfABadConfiguration(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	before := r.service.current.Load()
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"mistake":     {func(c *Config) { c.Models[0].Endpoint = "fehlt" }, "fehlt"},
		"new start":   {func(c *Config) { c.Origin = "anderswo" }, "origin"},
		"new secret":  {func(c *Config) { c.secret = randomSecret() }, "secret_file"},
		"new address": {func(c *Config) { c.Listen = "127.0.0.1:1" }, "listen"},
	} {
		next := r.withModel("anders")
		c.change(next)
		r.next.Store(next)
		if err := r.service.reload(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if r.service.current.Load() != before {
			t.Errorf("%s: took effect", name)
		}
	}
}

// At the end of the process running streams are finished.
func TestShutdownFinishesStreams(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	hold := make(chan struct{})
	r.model.Next(upstreamtest.Behaviour{Hold: hold, Text: "eins zwei drei"})
	stream, err := r.chat(t.Context(), "modell", true)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	r.stop()
	time.Sleep(50 * time.Millisecond)
	close(hold)
	rest, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream ended with %q, %v", rest[max(0, len(rest)-80):], err)
	}
}
