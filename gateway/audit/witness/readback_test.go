// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package witness_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
)

// keeper is a server that keeps files and shows them, until it is told to lie.
type keeper struct {
	mu    sync.Mutex
	files map[string]string
	array bool // lists as a web server does
	lie   func(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc)
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer x" || r.URL.Query().Get("haus") != "1":
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPut:
		text, _ := io.ReadAll(r.Body)
		if _, there := k.files[path.Base(r.URL.Path)]; there {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		k.files[path.Base(r.URL.Path)] = string(text)
		w.WriteHeader(http.StatusCreated)
	case k.lie != nil:
		k.lie(w, r, k.show)
	default:
		k.show(w, r)
	}
}

func (k *keeper) show(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/zeuge/" {
		text, there := k.files[strings.TrimPrefix(r.URL.Path, "/zeuge/")]
		if !there {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text)
		return
	}
	names := slices.Sorted(maps.Keys(k.files))
	if !k.array {
		_, _ = fmt.Fprintf(w, "liesmich.txt\n../geheim\n%s\n", strings.Join(names, "\n"))
		return
	}
	list := []map[string]string{{"name": "alt", "type": "directory"}}
	for _, n := range names {
		list = append(list, map[string]string{"name": n, "type": "file"})
	}
	_ = json.NewEncoder(w).Encode(list) //nolint:errchkjson // whoever asked has gone
}

func (k *keeper) lies(lie func(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lie = lie
}

func newKeeper(t *testing.T) (*keeper, func(writeOnly bool) *witness.HTTP) {
	t.Helper()
	k := &keeper{files: map[string]string{}}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	return k, func(writeOnly bool) *witness.HTTP {
		h, err := witness.NewHTTP(witness.HTTPConfig{
			URL: server.URL + "/zeuge?haus=1", Headers: map[string]string{"Authorization": "Bearer x"}, Timeout: 2 * time.Second, WriteOnly: writeOnly,
		})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
}

func TestHTTPIsReadBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k, open := newKeeper(t)
	h := open(false)
	if kept, err := h.Kept(ctx); err != nil || len(kept) != 0 {
		t.Errorf("an empty witness shows %q, %v", kept, err)
	}
	for n := range 5 {
		if err := h.Keep(ctx, checkpoint(int64(n+1), fmt.Sprint("Text ", n))); err != nil {
			t.Fatal(err)
		}
	}
	for _, array := range []bool{false, true} {
		k.array = array
		kept, err := open(false).Kept(ctx)
		if err != nil || len(kept) != 5 || string(kept[0]) != "Text 0" || string(kept[4]) != "Text 4" {
			t.Errorf("list as an array %v: %q, %v", array, kept, err)
		}
	}
	if kept, err := open(true).Kept(ctx); err != nil || len(kept) != 0 {
		t.Errorf("a witness that only takes shows %q, %v", kept, err)
	}
	for n := range 600 {
		if err := h.Keep(ctx, checkpoint(int64(n+100), fmt.Sprint("mehr ", n))); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := h.Kept(ctx)
	if err != nil || len(kept) != 200 || string(kept[0]) != "Text 0" || string(kept[199]) != "mehr 599" || string(kept[100]) != "mehr 500" {
		t.Errorf("of many are read %d, %v; want 200 with the first and the newest", len(kept), err)
	}
}

// A server that lies, fails or never ends is an error, never an empty answer.
func TestHTTPThatLies(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k, open := newKeeper(t)
	h := open(false)
	if err := h.Keep(ctx, checkpoint(7, "sieben")); err != nil {
		t.Fatal(err)
	}
	list := func(text string) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
		return func(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc) {
			if r.URL.Path == "/zeuge/" {
				_, _ = io.WriteString(w, text)
				return
			}
			honest(w, r)
		}
	}
	file := func(text string) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
		return func(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc) {
			if r.URL.Path != "/zeuge/" {
				_, _ = io.WriteString(w, text)
				return
			}
			honest(w, r)
		}
	}
	status := func(code int) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
			w.Header().Set("Location", "/zeuge/anderswo")
			w.WriteHeader(code)
		}
	}
	gone := fmt.Sprintf("%020d-%s.checkpoint", 3, strings.Repeat("0", 16))
	for name, lie := range map[string]func(http.ResponseWriter, *http.Request, http.HandlerFunc){
		"nothing is listed":     list(""),
		"another one is listed": list(gone),
		"a page":                list("<html><a href=x>x</a></html>"),
		"a broken array":        list(`[{"name":`),
		"another text":          file("acht"),
		"a long text":           file("sieben" + strings.Repeat(" ", 5000)),
		"a listed file that is not": func(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc) {
			honest(w, r)
			_, _ = io.WriteString(w, gone)
		},
		"not found":                status(404),
		"forbidden":                status(401),
		"elsewhere":                status(302),
		"no content":               status(204),
		"broken":                   status(500),
		"a list that does not end": endless([]byte("x\n")),
		"a text that does not end": func(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc) {
			if r.URL.Path == "/zeuge/" {
				honest(w, r)
				return
			}
			endless([]byte("x"))(w, r, honest)
		},
		"an answer that does not come": func(_ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) { <-r.Context().Done() },
		"an answer drop by drop": func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		},
	} {
		k.lies(lie)
		if kept, err := h.Kept(ctx); err == nil {
			t.Errorf("%s: shown are %q without an error", name, kept)
		} else if strings.Contains(err.Error(), "haus=1") || strings.Contains(err.Error(), "Bearer") {
			t.Errorf("%s: the error names a secret: %v", name, err)
		}
	}
	k.lies(nil)
	if kept, err := h.Kept(ctx); err != nil || len(kept) != 1 {
		t.Errorf("the truth again: %q, %v", kept, err)
	}
}

func endless(text []byte) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	return func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		for text := bytes.Repeat(text, 1<<15); r.Context().Err() == nil; {
			if _, err := w.Write(text); err != nil {
				return
			}
		}
	}
}

// TestOneSilentWitness: what the others show is compared all the same, and the silence
// is said.
func TestOneSilentWitness(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k, open := newKeeper(t)
	k.lies(func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { w.WriteHeader(http.StatusBadGateway) })
	f, err := witness.NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(ctx, checkpoint(3, "drei")); err != nil {
		t.Fatal(err)
	}
	var seen [][]byte
	e, err := witness.New(witness.Config{
		Witnesses: []witness.Witness{open(false), f},
		Newest:    func(context.Context) (witness.Checkpoint, error) { return checkpoint(4, "vier"), nil },
		Check: func(_ context.Context, kept [][]byte) error {
			seen = kept
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := e.Kept(ctx)
	if err == nil || !strings.Contains(err.Error(), "502") || len(kept) != 1 {
		t.Errorf("kept = %q, %v; want that of the folder and the silence of the other", kept, err)
	}
	if err := e.Export(ctx); err != nil || len(seen) != 1 {
		t.Errorf("export = %v after a look at %q", err, seen)
	}
}
